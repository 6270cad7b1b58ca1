"""The simulator of Amazon Bedrock: recorded answers, injected faults, metrics and invocation log as AWS has them.

It runs inside ministack's process and needs only ministack, botocore and the standard library. The project's
interpreter can import `settings`, `replay`, `models.known` and `models.identifiers` as well.
"""


def install() -> None:
    """Replace ministack's Bedrock services by the simulator; call it before ministack starts to serve.

    Reads the file named by the environment variable SIMULATOR_CONFIG (none: no recorded answers, no faults).

    Raises:
        SystemExit: the configuration or an answers file cannot be used; the message names file, line or key.
    """
    # Late: `local.simulator.settings.config` stays importable where ministack is not installed.
    from local.simulator.installation import install as install_into_ministack  # noqa: PLC0415

    install_into_ministack()
