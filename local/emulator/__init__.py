"""The local AWS emulator: ministack, and an overlay that makes it refuse, keep and report what AWS does.

It runs in an interpreter of its own that holds only ministack and boto3 (see requirements.txt), so nothing here may
import from outside ``local/``. Start it with ``python -m local.emulator`` from the project root, or through
``local.process``, which gives it a clean environment.
"""
