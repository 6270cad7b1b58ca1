"""The embedded default: the AWS emulator, the Bedrock simulator in it, and the commands that drive both.

`local.emulator` and `local.simulator` run in the emulator's interpreter, everything else here in the project's.
"""
