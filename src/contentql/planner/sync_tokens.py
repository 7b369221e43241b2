"""Sync tokens: opaque, signed positions in the article log, valid for one filter and one viewer.

A token is encrypted and signed with a key that all servers of a database share, so that it shows nothing of
the log; the same position always gives the same token, so that a poll without changes has the same response.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from contentql.auth.viewer import Visibility
from contentql.errors import ApiError
from contentql.planner.cursors import ListFingerprint
from contentql.planner.operation import LeafValue
from contentql.planner.variables import Variables

TOKEN_LIFETIME = dt.timedelta(days=30)
RENEWAL_AGE = dt.timedelta(days=1)  # an unchanged token is replaced when it is older
MAX_ID = (1 << 63) - 1

Phase = Literal["start", "listing", "delta"]

_PREFIXES: Mapping[str, Phase] = {"cqll_": "listing", "cqld_": "delta"}
_PATTERN = re.compile(r"(cql[ld]_)([A-Za-z0-9_-]{104})")
_PAYLOAD = struct.Struct(">q8sqqqqqq")
_SIGNATURE_SIZE = 14  # bytes; with the payload a multiple of 3, so that base64 has no padding
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class SyncPosition:
    """A position in the article log and in time.

    `seq`: the last row of the log that was read; `at` and `article` are its values, by which a position in
    another log is recognised. `time`: the client has the state of then, or a later one. `key_time` and
    `key_id`: the last item that was read, of a list of articles (phase "listing"), or of the changes by the
    clock. `issued`: time of the token.
    """

    phase: Phase
    seq: int
    at: dt.datetime
    article: int
    time: dt.datetime
    key_time: dt.datetime
    key_id: int
    issued: dt.datetime

    @property
    def expires_at(self) -> dt.datetime:
        return self.issued + TOKEN_LIFETIME


def token_phase(token: Any) -> Phase:
    """The phase of a token; "start" for null. A text that is no token gives an error when it is decoded."""
    return "start" if token is None else _PREFIXES.get(str(token)[:5], "delta")


class SyncTokens:
    """Encodes and decodes sync tokens. `key` must be set before."""

    def __init__(self) -> None:
        self.key = ""

    def encode(self, position: SyncPosition, binding: str) -> str:
        """The token of a position, for the filter and viewer of `binding`."""
        prefix = next(prefix for prefix, phase in _PREFIXES.items() if phase == position.phase)
        times = (position.at, position.time, position.key_time)
        at, time, key_time = (int((value - _EPOCH).total_seconds()) for value in times)
        payload = _PAYLOAD.pack(
            int((position.issued - _EPOCH).total_seconds()),
            bytes.fromhex(binding),
            position.seq,
            at,
            position.article,
            time,
            key_time,
            position.key_id,
        )
        signature = self._sign(prefix, payload)
        return prefix + base64.urlsafe_b64encode(signature + self._mask(signature, payload)).decode()

    def decode(self, token: Any, binding: str) -> SyncPosition:
        """The position of a token. Raises ApiError INVALID_SYNC_TOKEN."""
        match = _PATTERN.fullmatch(str(token))
        content = b""
        if match:
            try:
                content = base64.b64decode(match[2], altchars=b"-_", validate=True)
            except ValueError:
                content = b""
        signature = content[:_SIGNATURE_SIZE]
        payload = self._mask(signature, content[_SIGNATURE_SIZE:])
        if (
            match is None
            or len(payload) != _PAYLOAD.size
            or not hmac.compare_digest(signature, self._sign(match[1], payload))
        ):
            raise ApiError(
                "INVALID_SYNC_TOKEN",
                "This is not a sync token of this server.",
                "Send `nextToken` of the previous response as it is, or begin without `since`.",
            )
        issued, bound, seq, at, article, time, key_time, key_id = _PAYLOAD.unpack(payload)
        if bound != bytes.fromhex(binding):
            raise ApiError(
                "INVALID_SYNC_TOKEN",
                "The token belongs to another filter or another viewer.",
                "Keep `filter` and the viewer the same in all requests, or begin without `since`.",
            )
        when = [_EPOCH + dt.timedelta(seconds=value) for value in (at, time, key_time, issued)]
        return SyncPosition(_PREFIXES[match[1]], seq, when[0], article, when[1], when[2], key_id, when[3])

    def _sign(self, prefix: str, payload: bytes) -> bytes:
        text = prefix.encode() + payload
        return hmac.digest(self.key.encode(), text, hashlib.sha256)[:_SIGNATURE_SIZE]

    def _mask(self, signature: bytes, data: bytes) -> bytes:
        """Encrypts or decrypts: the key stream depends on the signature of the plain text."""
        blocks = -(-len(data) // hashlib.sha256().digest_size)
        stream = b"".join(
            hmac.digest(self.key.encode(), b"mask" + signature + bytes([number]), hashlib.sha256)
            for number in range(blocks)
        )
        return bytes(a ^ b for a, b in zip(data, stream, strict=False))


@dataclass(frozen=True)
class SyncBinding:
    """What a token is bound to: the filter and the viewer, as hexadecimal text of 8 bytes."""

    filter: ListFingerprint
    visibility: Visibility
    viewer_variables: tuple[str, ...]

    def value(self, variables: Variables) -> str:
        viewer = [str(variables.get(name)) for name in self.viewer_variables]
        text = "\0".join([self.filter.value(variables), repr(self.visibility), *viewer])
        return hashlib.blake2s(text.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class SyncTokenValue:
    """One value of the position of a token, for a parameter. Raises ApiError INVALID_SYNC_TOKEN."""

    tokens: SyncTokens
    token: LeafValue
    binding: SyncBinding
    name: str

    def value(self, variables: Variables) -> Any:
        position = self.tokens.decode(self.token.value(variables), self.binding.value(variables))
        return getattr(position, self.name)


@dataclass(frozen=True)
class SyncPage:
    """A page of changes in a plan, in whose JSON the database writes placeholders for the next token."""

    tokens: SyncTokens
    token: LeafValue | None
    binding: SyncBinding

    def skip_listing(self, token: str, variables: Variables) -> str:
        """The token of a client that has all articles of the time when the listing of a token began."""
        binding = self.binding.value(variables)
        position = self.tokens.decode(token, binding)
        end = replace(position, phase="delta", key_time=position.time, key_id=MAX_ID)
        return self.tokens.encode(end, binding)

    def next_token(self, facts: str, variables: Variables, now: dt.datetime) -> str:
        """The next token, from the facts that the database has computed: the first fields of `SyncPosition`
        in their order, separated by dots.

        Without facts nothing has changed: the token stays the same, until it is a day old.
        """
        binding = self.binding.value(variables)
        if not facts:
            assert self.token is not None, "the first page has facts"
            token = str(self.token.value(variables))
            position = self.tokens.decode(token, binding)
            if now - position.issued < RENEWAL_AGE:
                return token
            return self.tokens.encode(
                SyncPosition(
                    position.phase, position.seq, position.at, position.article, now, now, MAX_ID, now
                ),
                binding,
            )
        phase, seq, at, article, time, key_time, key_id = facts.split(".")
        times = [dt.datetime.fromisoformat(value) for value in (at, time, key_time)]
        position = SyncPosition(
            "listing" if phase == "listing" else "delta",
            int(seq),
            times[0],
            int(article),
            times[1],
            times[2],
            int(key_id),
            now,
        )
        return self.tokens.encode(position, binding)
