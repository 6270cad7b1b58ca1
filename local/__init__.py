"""Everything on this machine: the AWS emulator, the Bedrock simulator in it, and the commands that drive both.

`local.emulator` and `local.simulator` run in the emulator's interpreter, the other modules in the project's.
"""
