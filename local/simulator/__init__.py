"""The Bedrock of the local emulator: recorded answers, injected faults, metrics and invocation log as AWS has them.

Runs inside ministack's process and needs nothing but ministack, botocore and the standard library. `config`, `answers`,
`faults` and `replay` need the standard library only, so the project's interpreter can import them as well.
"""


def install() -> None:
    """Put the simulator in the place of ministack's Bedrock services; call before ministack starts to serve.

    Reads the file named by the environment variable SIMULATOR_CONFIG (none: no recorded answers, no faults).

    Raises:
        SystemExit: the configuration or an answers file is wrong; the message names file, line or key.
    """
    # Late: `local.simulator.settings.config` stays importable where ministack is not installed.
    from local.simulator.installation import install as install_into_ministack  # noqa: PLC0415

    install_into_ministack()
