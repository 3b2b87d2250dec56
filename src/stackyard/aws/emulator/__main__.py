"""`python -m stackyard.aws.emulator --port N [--fail-at ecs:CreateService]`: the emulator in this process."""

import argparse
import logging
import os
import sys

from stackyard.aws.emulator.faults import Fault, FaultInjector
from stackyard.aws.emulator.parent import die_with
from stackyard.errors import StackyardError

MOTO_SETTINGS = {
    # Seconds until a certificate counts as issued. moto's own 60 would be waited for by every baseline.
    "MOTO_ACM_VALIDATION_WAIT": "0",
    # Policies such as AmazonECSTaskExecutionRolePolicy exist in every AWS account.
    "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
    # Machine images are of no use to Fargate, and cost half a second for each account.
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
}


def main(argv: list[str] | None = None) -> int:
    """Serve until the process is ended. Returns 2 for wrong arguments, 1 when moto cannot be used."""
    options = _arguments(argv)
    if options.parent:
        die_with(options.parent)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # not a line for each request
    try:
        faults = FaultInjector([Fault.of(text) for text in options.fail_at])
        _serve(options.port, options.fd, faults)
    except StackyardError as error:
        print(error, file=sys.stderr)  # noqa: T201  (a program of its own, its log is its output)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m stackyard.aws.emulator", description="An AWS emulator.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0: a free one")
    parser.add_argument(
        "--fail-at", action="append", default=[], metavar="SERVICE:ACTION", help="answer it by an error"
    )
    parser.add_argument("--fd", type=int, help="a listening socket that this process was given, instead of a port")
    parser.add_argument("--parent", type=int, help="end when this process ends")
    return parser.parse_args(argv)


def _serve(port: int, fd: int | None, faults: FaultInjector) -> None:
    os.environ.update(MOTO_SETTINGS)  # read by moto on import
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    from stackyard.aws.emulator.patches import apply_patches

    apply_patches()
    faults.application = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", port, faults, threaded=True, request_handler=MotoRequestHandler, fd=fd)
    os.environ["MOTO_PORT"] = str(server.port)
    logging.getLogger("stackyard.aws.emulator").warning("listening on http://127.0.0.1:%s", server.port)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
