"""`python -m lidar_label.viewers.api STORE --data FOLDER`: the API alone, without pages."""

import argparse
import sys
from pathlib import Path

from lidar_label.errors import LidarLabelError
from lidar_label.viewers.api.application import create_app
from lidar_label.viewers.api.serving import check_address, check_port, serve


def main() -> int:
    """Serve the API alone."""
    parser = argparse.ArgumentParser(prog="python -m lidar_label.viewers.api", description=__doc__)
    parser.add_argument("store", help="database of labels: a path or URL")
    parser.add_argument(
        "--data", action="append", default=[], metavar="FOLDER", help="where recordings may be"
    )
    parser.add_argument(
        "--folder", type=Path, default=Path("lidar-label-server"), help="caches and uploads"
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8050)
    parser.add_argument("--accounts", action="store_true", help="logins instead of one user")
    parser.add_argument(
        "--host-name", action="append", default=[], metavar="NAME", help="name it is called by"
    )
    parser.add_argument("--https-proxy", action="store_true", help="a proxy before it speaks HTTPS")
    parser.add_argument("--private-webhooks", action="store_true", default=None)
    arguments = parser.parse_args()
    mode = "accounts" if arguments.accounts else "single-user"
    try:
        check_address(arguments.host, mode)
        check_port(arguments.host, arguments.port)
        app = create_app(
            arguments.store, arguments.data, folder=arguments.folder, mode=mode,
            hosts=arguments.host_name, secure_cookies=arguments.https_proxy,
            private_webhooks=arguments.private_webhooks,
        )  # fmt: skip
        serve(app, arguments.host, arguments.port)
    except LidarLabelError as error:
        print(f"lidar-label: {error}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
