"""Values of a bundle that are computed from its JSON: its version and its size."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Literal

from contentql.planner.read_set import without_markers
from contentql.planner.sql.nodes import ObjectNode, ResultNode

# Field whose value is computed. Content cannot contain it: JSON escapes quotation marks in strings.
_PLACEHOLDER = re.compile(rb'("\w+":)\{"bundle (version|bytes|expiresAt)":([^}]*)\}(,?)')
# Type name of an object, which only the reference execution has.
_TYPE_MARK = re.compile(rb'"__is":"\w+",?')
_VERSION_DIGITS = 32


def placeholder(name: Literal["version", "bytes", "expiresAt"], value: ResultNode = "0") -> ResultNode:
    """Returns the node of a value that `complete_bundle` computes; `value` is that of `expiresAt`."""
    return ObjectNode(((f"bundle {name}", value),))


def complete_bundle(text: bytes) -> bytes:
    """Returns the JSON of a bundle with its values in place of the placeholders.

    `version` is a hash, and `bytes` the size in bytes, of the JSON without the fields that are computed.
    """
    content = _PLACEHOLDER.sub(b"", _TYPE_MARK.sub(b"", without_markers(text)))
    if content.endswith(b",}"):
        content = content[:-2] + b"}"
    values = {
        b"version": b'"%b"' % sha256(content).hexdigest()[:_VERSION_DIGITS].encode(),
        b"bytes": b"%d" % len(content),
    }
    return _PLACEHOLDER.sub(lambda field: field[1] + values.get(field[2], field[3]) + field[4], text)
