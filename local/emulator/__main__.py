"""Entry point of the emulator process: patches, the Bedrock stand-in, then ministack's own server."""

import importlib
import importlib.util
import os
import sys

from local.emulator import patches

# ministack reads these while it is imported; whoever set them otherwise would open ports beyond the loopback device.
_SAFE_ENVIRONMENT = {
    "BIND_HOST": "127.0.0.1",
    "MINISTACK_HOST": "127.0.0.1",
    "IOT_MTLS_ENABLED": "0",
    "SFTP_ENABLED": "0",
    "LAMBDA_EXECUTOR": "local",
    "LAMBDA_STRICT": "0",
}
_STANDIN = "local.bedrock"


def _install_standin() -> None:
    """Hand Bedrock over to the stand-in; while that package is absent, say so and go on without it."""
    if importlib.util.find_spec(_STANDIN) is None:
        print(f"emulator: {_STANDIN} is not there, so Bedrock calls get ministack's own mock answers", flush=True)
        return
    importlib.import_module(_STANDIN).install()


def main() -> None:
    """Run until SIGTERM. Ends with status 1 and one line when the environment does not fit."""
    os.environ.update(_SAFE_ENVIRONMENT)
    try:
        patches.apply_all()
        _install_standin()
    except (patches.UnsupportedMinistackError, ValueError) as error:
        print(f"emulator: {error}", file=sys.stderr, flush=True)
        raise SystemExit(1) from None
    server = importlib.import_module("ministack.app")
    server.main()


main()
