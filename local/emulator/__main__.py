"""Entry point of the emulator process: patches, the Bedrock simulator, then ministack's own server."""

import importlib
import os
import sys

from local import simulator
from local.emulator import patches

# ministack reads these while it is imported. Other values would open ports beyond the loopback device.
_SAFE_ENVIRONMENT = {
    "BIND_HOST": "127.0.0.1",
    "MINISTACK_HOST": "127.0.0.1",
    "IOT_MTLS_ENABLED": "0",
    "SFTP_ENABLED": "0",
    "LAMBDA_EXECUTOR": "local",
    "LAMBDA_STRICT": "0",
}


def main() -> None:
    """Run until SIGTERM. Ends with status 1 and one line when the environment does not fit."""
    os.environ.update(_SAFE_ENVIRONMENT)
    try:
        patches.apply_all()
        simulator.install()
    except (patches.UnsupportedMinistackError, ValueError) as error:
        print(f"emulator: {error}", file=sys.stderr, flush=True)
        raise SystemExit(1) from None
    server = importlib.import_module("ministack.app")
    server.main()


main()
