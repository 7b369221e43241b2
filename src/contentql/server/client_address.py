"""Address of the client of a request: the peer's address, or the one that trusted proxies forward."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final, NamedTuple

from starlette.types import Scope

from contentql.settings import Network

Address = IPv4Address | IPv6Address

# A client with one IPv6 address has all 2**64 of its network.
_IPV6_PREFIX: Final = 64
_REMEMBERED: Final = 4_096
# The longest address with its zone, brackets and port is shorter. Longer texts would fill the cache.
_MAX_HOP: Final = 64
# A port may be obfuscated too (RFC 7239, section 6.3).
_PORT: Final = r"(?:[0-9]{1,5}|_[\w.-]+)"
_IPV4: Final = re.compile(rf"([0-9.]+)(?::{_PORT})?")
_IPV6: Final = re.compile(rf"\[([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%\w+)?)\](?::{_PORT})?")


class ClientAddress(NamedTuple):
    """Address that a client is counted by.

    `name`: an IPv4 address, the /64 network of an IPv6 address, or `via` and the address of the last trusted
    proxy if it is not certain which address that proxy has forwarded. `is_private`: whether the address is
    certain, and not one of the public internet.
    """

    name: str
    is_private: bool


class _Hop(NamedTuple):
    client: ClientAddress
    is_trusted: bool


# Without an address there is no network: the client is on this machine.
_LOCAL: Final = ClientAddress("unknown", is_private=True)


class ClientAddressResolver:
    """Resolves the address of a client from the connection and the headers of proxies."""

    def __init__(self, proxies: Sequence[Network] = ()) -> None:
        """`proxies`: networks of trusted proxies; forwarding headers of other peers are ignored."""
        self._proxies = tuple(proxies)
        # Reading an address takes longer than all else that is done with it here.
        self._hop = lru_cache(_REMEMBERED)(self._read_hop)

    def resolve(self, scope: Scope) -> ClientAddress:
        """The client of a request: the peer, or behind trusted proxies the nearest hop that is not one."""
        peer = scope.get("client")
        hop = self._hop(peer[0]) if peer is not None else None
        if hop is None:
            return _LOCAL
        if hop.is_trusted:
            return self._forwarded_client(hop.client, scope["headers"])
        return hop.client

    def is_trusted_proxy(self, host: str) -> bool:
        """Whether connections from this address are those of a trusted proxy, which carry many clients."""
        hop = self._hop(host)
        return hop is not None and hop.is_trusted

    def _forwarded_client(
        self, proxy: ClientAddress, headers: Sequence[tuple[bytes, bytes]]
    ) -> ClientAddress:
        """The client that a trusted proxy forwards.

        A proxy adds to one of the two headers and may pass a client's own text in the other on, so two
        headers must agree. Without either header the proxy itself is the client.
        """
        clients = {
            self._nearest_client(proxy, hops)
            for hops in (_hops(headers, b"x-forwarded-for"), _forwarded_hops(headers))
            if hops is not None
        }
        if not clients:
            return proxy
        return clients.pop() if len(clients) == 1 else _client_via(proxy)

    def _nearest_client(self, proxy: ClientAddress, hops: Iterator[str]) -> ClientAddress:
        """The first of the hops, nearest first, that is not a trusted proxy, or the last proxy of all."""
        for text in hops:
            hop = self._hop(text) if len(text) <= _MAX_HOP else None
            if hop is None:  # `unknown`, an obfuscated name, or nonsense
                return _client_via(proxy)
            if not hop.is_trusted:
                return hop.client
            proxy = hop.client
        return proxy

    def _read_hop(self, text: str) -> _Hop | None:
        address = parse_address(text)
        if address is None:
            return None
        name = str(address)
        if isinstance(address, IPv6Address):
            name = str(IPv6Network((int(address), _IPV6_PREFIX), strict=False))
        is_trusted = any(address in network for network in self._proxies)
        return _Hop(ClientAddress(name, not address.is_global), is_trusted)


def _client_via(proxy: ClientAddress) -> ClientAddress:
    return ClientAddress(f"via {proxy.name}", is_private=False)


def parse_address(text: str) -> Address | None:
    """Parses an address, also one with a port or in brackets; None for any other text.

    An IPv4 address in IPv6 notation becomes an IPv4 address.
    """
    match = _IPV4.fullmatch(text) or _IPV6.fullmatch(text)
    try:
        address = ip_address(match[1] if match else text)
    except ValueError:
        return None
    # A socket that listens on IPv6 sees IPv4 clients so.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _hops(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> Iterator[str] | None:
    """The elements of a header, last first, over all its lines; None without the header."""
    lines = [value for key, value in headers if key == name]
    if not lines:
        return None
    return (part.strip() for part in reversed(b",".join(lines).decode("latin-1").split(",")))


def _forwarded_hops(headers: Sequence[tuple[bytes, bytes]]) -> Iterator[str] | None:
    """The `for` parameter of each element of `Forwarded` (RFC 7239): for="[2001:db8::1]:4711";proto=https."""
    elements = _hops(headers, b"forwarded")
    return None if elements is None else (_for_parameter(element) for element in elements)


def _for_parameter(element: str) -> str:
    """The value of the one parameter `for` of an element; empty if that is not certain."""
    # An odd number: the comma that began this element was inside of a quoted value.
    if element.count('"') % 2:
        return ""
    pairs = (pair.partition("=") for pair in element.split(";"))
    values = [value.strip() for name, _, value in pairs if name.strip().lower() == "for"]
    if len(values) != 1:
        return ""
    (value,) = values
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
