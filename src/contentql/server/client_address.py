"""Address of the client of a request: the peer's address, or the one that a trusted proxy forwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

from starlette.types import Scope

from contentql.settings import Network

Address = IPv4Address | IPv6Address

# A client with one IPv6 address has all 2**64 of its network.
_IPV6_PREFIX: Final = 64
_REMEMBERED: Final = 4_096


class ClientAddressResolver:
    """Resolves the address of a client from the connection and the headers of proxies."""

    def __init__(self, proxies: Sequence[Network] = ()) -> None:
        """`proxies`: networks of trusted proxies; forwarding headers of other peers are ignored."""
        self._proxies = tuple(proxies)
        # Reading an address takes longer than all else that is done with it here.
        self._trusted = lru_cache(_REMEMBERED)(self._is_trusted)
        self._named = lru_cache(_REMEMBERED)(_name)

    def resolve(self, scope: Scope) -> str:
        """The client's address to count by: an IPv4 address, or the /64 network of an IPv6 address."""
        peer = scope.get("client")
        if peer is None:
            return "unknown"
        host: str = peer[0]
        if self._proxies and self._trusted(host):
            host = self._forwarded_address(host, scope["headers"])
        return self._named(host)

    def is_trusted_proxy(self, host: str) -> bool:
        """Whether connections from this address are those of a trusted proxy, which carry many clients."""
        return bool(self._proxies) and self._trusted(host)

    def _forwarded_address(self, peer: str, headers: Sequence[tuple[bytes, bytes]]) -> str:
        """The client's address by the forwarding headers: from the right, the first that is not a trusted
        proxy.

        A proxy adds to one of the two headers and passes a client's own text in the other on. If both headers
        are there and disagree, neither is used.
        """
        results = {
            self._first(peer, hops)
            for hops in (_hops(headers, b"x-forwarded-for"), _forwarded(headers))
            if hops is not None
        }
        return results.pop() if len(results) == 1 else peer

    def _first(self, peer: str, hops: Iterator[str]) -> str:
        nearest = peer
        for hop in hops:
            host = _bare(hop)
            if _read(host) is None:
                break  # `unknown`, a made-up name, or nonsense: the last proxy is all we know
            nearest = host
            if not self._trusted(host):
                break
        return nearest

    def _is_trusted(self, host: str) -> bool:
        address = _read(host)
        return address is not None and any(address in network for network in self._proxies)


@lru_cache(_REMEMBERED)
def is_global_address(client: str) -> bool:
    """Whether a client's address is one of the public internet, not of a private or local network."""
    address = _read(client.partition("/")[0])
    return address is not None and address.is_global


def _name(host: str) -> str:
    address = _read(host)
    if address is None:
        return "unknown"
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, _IPV6_PREFIX), strict=False))
    return str(address)


def _read(host: str) -> Address | None:
    try:
        address = ip_address(host)
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


def _forwarded(headers: Sequence[tuple[bytes, bytes]]) -> Iterator[str] | None:
    """The `for` parameter of each element of `Forwarded` (RFC 7239): for="[2001:db8::1]:4711";proto=https."""
    hops = _hops(headers, b"forwarded")
    return None if hops is None else (_for(hop) for hop in hops)


def _for(hop: str) -> str:
    pairs = (pair.partition("=") for pair in hop.split(";"))
    return next((value.strip().strip('"') for name, _, value in pairs if name.strip().lower() == "for"), "")


def _bare(hop: str) -> str:
    """The host without its port."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
