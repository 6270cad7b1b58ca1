"""The embedded default: the AWS emulator, the Bedrock stand-in in it, and the commands that drive both.

`local.emulator` and `local.bedrock` run in the emulator's interpreter, everything else here in the project's.
"""
