"""Starts the server, and refuses to do so where it would be open to strangers."""

import ipaddress
import logging
import socket
from typing import Any

from fastapi import FastAPI

from lidar_label.errors import UsageError

SOON_S = 10  # that requests under way have to end when the server is stopped


def check_address(host: str, mode: str) -> None:
    """Refuse to serve without logins on an address that others can reach.

    Raises:
        UsageError: naming the address and the remedy.
    """
    if mode == "accounts" or is_loopback(host):
        return
    raise UsageError(
        f"--host {host}: others can reach that address, and this server has no logins; add "
        "--accounts (make the first admin by `lidar-label project users --add NAME --site-admin`), "
        "or leave --host out"
    )


def check_port(host: str, port: int) -> None:
    """Refuse a port that cannot be had, before anything is said or done.

    Raises:
        UsageError: naming it and the remedy.
    """
    other = "choose another with --port; 0 takes a free one"
    if not 0 <= port <= 65535:
        raise UsageError(f"--port {port}: ports go from 0 to 65535; {other}")
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror as error:
        raise UsageError(f"--host {host}: no such address; name one of this machine") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"--port {port}: cannot be had on {host} ({reason}); {other}") from error


def check_accounts(app: FastAPI) -> None:
    """Refuse accounts mode while nobody could log in.

    Raises:
        UsageError: with the remedy.
    """
    services = app.state.services
    users = services.store.people.users()
    if services.gate.mode == "accounts" and not any(u.site_admin and u.active for u in users):
        raise UsageError(
            "--accounts: there is no admin yet; make one by "
            "`lidar-label project users --add NAME --site-admin`"
        )


def is_loopback(host: str) -> bool:
    """True for an address of this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def serve(app: FastAPI, host: str = "127.0.0.1", port: int = 8050, **options: Any) -> None:
    """Serve until interrupted.

    Raises:
        UsageError: if the address is not allowed or taken.
    """
    import uvicorn

    check_address(host, app.state.services.gate.mode)
    check_port(host, port)
    check_accounts(app)
    settings: dict[str, Any] = {
        "log_level": logging.WARNING,
        "access_log": False,
        "server_header": False,
        "timeout_graceful_shutdown": SOON_S,
        "h11_max_incomplete_event_size": 64 << 10,
        **options,
    }
    server = uvicorn.Server(uvicorn.Config(app, host=host, port=port, **settings))
    try:
        server.run()
    except SystemExit as error:
        raise UsageError(
            f"port {port} of {host} cannot be had; choose another with --port"
        ) from error
