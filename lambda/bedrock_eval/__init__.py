"""The pure core: what an evaluation is, and every number in it.

Standard library only. No boto3, no clock, no I/O: callers pass lines, times and values in, and get frozen
dataclasses out.
"""
