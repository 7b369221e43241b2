"""Content codings: negotiation by Accept-Encoding, and compression."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache

import brotli
import zstandard

MIN_COMPRESS_SIZE = 1_000  # bytes; less is sent as it is: the headers alone weigh as much
_AT_ONCE = 32_768  # bytes that are packed in the loop; more would make others wait
_MAX_HEADER_LENGTH = 1_000


def _zstd(body: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=5).compress(body)


def _br(body: bytes) -> bytes:
    return bytes(brotli.compress(body, quality=5))


def _gzip(body: bytes) -> bytes:
    # One that says nothing of when it was made: the same body is packed the same everywhere.
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return packer.compress(body) + packer.flush()


# Of the codings that a client names with equal weights, the first is taken. zstd is the last: some HTTP
# libraries announce it and cannot read it.
_CODINGS: Mapping[str, Callable[[bytes], bytes]] = {"br": _br, "gzip": _gzip, "zstd": _zstd}
# Of those that it accepts by `*` alone, the first here: every HTTP client reads gzip.
_UNNAMED = ("gzip", "br", "zstd")


@lru_cache(maxsize=256)
def choose_encoding(accept: bytes) -> str | None:
    """The coding for an Accept-Encoding header; None for none."""
    weights = parse_qvalues(accept)
    anything = weights.get("*", 0.0)

    def weight(coding: str) -> float:
        return weights.get(coding, anything)

    named = [coding for coding in _CODINGS if coding in weights]
    best = max([*named, *(coding for coding in _UNNAMED if coding not in weights)], key=weight)
    plain = weights.get("identity", 0.0)
    return best if weight(best) > 0 and weight(best) >= plain else None


def parse_qvalues(header: bytes) -> dict[str, float]:
    """The elements of an Accept header in lower case without parameters, each with its weight, 0 to 1."""
    results: dict[str, float] = {}
    for part in header[:_MAX_HEADER_LENGTH].decode("latin-1").lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                try:
                    weight = min(1.0, max(0.0, float(value)))
                except ValueError:
                    weight = 0.0
        if name:
            results[name] = max(weight, results.get(name, 0.0))
    return results


def compress_now(body: bytes, coding: str) -> bytes:
    """The body in a content coding, packed in the calling thread."""
    return _CODINGS[coding](body)


async def compress(body: bytes, coding: str) -> bytes:
    """The body in a content coding; a large one is packed in another thread."""
    if len(body) <= _AT_ONCE:
        return compress_now(body, coding)
    return await asyncio.to_thread(compress_now, body, coding)
