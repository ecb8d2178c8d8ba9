"""What a service manager wants to know, in systemd's protocol: sd_notify(3). Nothing happens where none asks."""

from __future__ import annotations

import logging
import os
import socket
from typing import Final

logger: Final = logging.getLogger("autocron.supervisor")


def take_service_socket() -> str:
    """Where to tell, "" for nowhere. It is taken out of the environment: what this process starts has nothing to tell."""
    return os.environ.pop("NOTIFY_SOCKET", "")


def tell_service_manager(address: str, message: str) -> None:
    """Send a message such as ``READY=1``. An address that begins with @ is in Linux's abstract namespace."""
    if not address:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.connect("\0" + address[1:] if address.startswith("@") else address)
            sender.send(message.encode())
    except OSError as error:
        logger.warning("the service manager at NOTIFY_SOCKET=%s can't be told %s: %s", address, message, error)
