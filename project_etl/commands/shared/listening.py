"""Ports that commands listen on: whether one is free, and the address that people open."""

from __future__ import annotations

import socket

from project_etl.commands.shared.errors import UserError

ANY_HOST = ("127.0.0.1", "0.0.0.0")


def check_port(who: str, host: str, port: int, other: str) -> None:
    """Refuse a port that nothing can listen on.

    Args:
        who: what would listen, as a sentence begins.
        host: the address.
        port: the port.
        other: a command that takes another port.

    Raises:
        UserError: nothing can listen there.
    """
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        why = (error.strerror or str(error)).partition(" (while")[0]
        raise UserError(
            f"{who} cannot listen on {host}:{port}: {why}. Perhaps it runs already; `{other}` takes another port."
        ) from error


def url_of(host: str, port: int) -> str:
    """The address that people of this machine open."""
    return f"http://{'localhost' if host in ANY_HOST else host}:{port}"
