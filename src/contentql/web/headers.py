"""Response headers, as ASGI pairs and as rendered lines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

Header = tuple[bytes, bytes]


class HeaderBlock(NamedTuple):
    """`raw`: the same headers, one rendered line each."""

    headers: tuple[Header, ...]
    raw: bytes


def encode_headers(pairs: Iterable[Header]) -> HeaderBlock:
    pairs = tuple(pairs)
    return HeaderBlock(pairs, b"".join([b"%b: %b\r\n" % pair for pair in pairs]))
