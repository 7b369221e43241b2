"""Addresses that requests of the server may go to: public ones, and those of allowed networks.

Invariant: resolves no names and opens no connections.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_URL_LENGTH: Final = 2_000  # characters

_IPV4_MASK: Final = 0xFFFFFFFF
_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052
_HOST: Final = re.compile(r"[\w-]+(\.[\w-]+)*\.?|\[[0-9A-Fa-f:.]+\]", re.ASCII)
_LOCAL_NAME: Final = re.compile(r"(.*\.)?(localhost|local|internal|localdomain|home\.arpa)\.?", re.IGNORECASE)


def embedded_address(address: Address) -> Address:
    """Returns the IPv4 address that packets to an IPv6 address are translated to, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    embedded = address.ipv4_mapped or address.sixtofour
    if embedded is None and address in _NAT64:
        embedded = IPv4Address(int(address) & _IPV4_MASK)
    return embedded or address


def is_allowed_address(address: Address, networks: Sequence[Network] = ()) -> bool:
    """True for a unicast address of the public internet, and for one of `networks`."""
    return _is_public(embedded_address(address)) or is_in_networks(address, networks)


def is_in_networks(address: Address, networks: Sequence[Network]) -> bool:
    """True if the address, or the IPv4 address that it stands for, is in one of the networks."""
    return any(address in network or embedded_address(address) in network for network in networks)


def check_receiver_url(url: str, networks: Sequence[Network]) -> None:
    """Raises ValueError with a reason for a URL that no request may be sent to.

    Plain http is for receivers in allowed networks only, so it is refused if there are none. What a
    name resolves to is checked when a request is sent.
    """
    if len(url) > MAX_URL_LENGTH:
        raise ValueError(f"the URL must have at most {MAX_URL_LENGTH:,} characters")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("the URL must contain neither spaces nor special characters that are not encoded")
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = 0
    host = parts.netloc.rpartition("@")[2].removesuffix(f":{port}") if port is not None else parts.netloc
    if parts.scheme not in ("https", "http") or not _HOST.fullmatch(host.rpartition("@")[2]):
        raise ValueError("the URL must begin with https:// and a host name")
    if "@" in parts.netloc:
        raise ValueError("the URL must not contain credentials")
    if port == 0:
        raise ValueError("the port must be from 1 to 65535")
    if parts.fragment or "#" in url:
        raise ValueError("the URL must have no fragment")
    if parts.scheme == "http" and not networks:
        raise ValueError("the URL must begin with https://")
    address = _literal_address(parts.hostname or "")
    if address is not None and not is_allowed_address(address, networks):
        raise ValueError("the URL must not lead to a private address")
    if address is None and not networks and _LOCAL_NAME.fullmatch(host):
        raise ValueError("the URL must not lead to a private address")


def _is_public(address: Address) -> bool:
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback
    )


def _literal_address(host: str) -> Address | None:
    """The address that a host is written as, also in notations such as 127.1 and 0x7f000001."""
    try:
        return ip_address(host.rstrip("."))
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host.rstrip(".")))
    except (OSError, ValueError):
        return None
