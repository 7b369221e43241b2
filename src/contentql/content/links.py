"""Rules for links and for the URLs of media and embedded content, one for the whole project."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import SplitResult, urlsplit

WEB_SCHEMES: Final = ("http", "https")
LINK_SCHEMES: Final = (*WEB_SCHEMES, "mailto", "tel")

# Browsers remove some of these, read a backslash as a slash, and show an address with directional formatting
# characters in another order.
_FORBIDDEN = re.compile("[\\s\\\\\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# A colon before the first of `/?#` ends a scheme, such as `javascript:`.
_SCHEME = re.compile(r"([^/?#:]*):")
_FORBIDDEN_IN_HOST = re.compile(r"""["'<>^`{|}%(),;!$&*+=~]""")


def require_link(value: str, schemes: Collection[str] = LINK_SCHEMES, *, relative: bool = True) -> str:
    """Returns the link unchanged. Raises ValueError if it is malformed or has another scheme.

    `relative`: whether a link without a scheme is allowed, such as `/world/asia`.
    """
    if match := _FORBIDDEN.search(value):
        name = "a backslash" if match[0] == "\\" else "white space or control characters"
        raise ValueError(f"a link must not have {name} (character {match.start() + 1})")
    match = _SCHEME.match(value)
    scheme = match[1].lower() if match else ""
    if scheme not in schemes if match else not relative:
        raise ValueError(f"a link must begin with {_choice(schemes, relative)}")
    try:
        parts = urlsplit(value)
        needs_host = scheme in WEB_SCHEMES or value.startswith("//")
        valid = _has_valid_host(parts) if needs_host else not parts.netloc
    except ValueError:  # brackets, a port or characters that no URL can have
        valid = False
    if not valid:
        raise ValueError("a link must have a valid host, as in https://example.org/")
    if "@" in parts.netloc:
        raise ValueError("a link must not have a user name or password")
    if scheme and not value[len(scheme) + 1 :]:
        raise ValueError(f"a link must have an address after {scheme}:")
    return value


def is_safe_link(value: str) -> bool:
    """Whether a stored value can be rendered as a link."""
    try:
        require_link(value)
    except ValueError:
        return False
    return True


def _has_valid_host(parts: SplitResult) -> bool:
    """Whether a URL has a host, and host and port are valid. May raise ValueError if they are not."""
    return parts.port != 0 and bool(parts.hostname) and not _FORBIDDEN_IN_HOST.search(parts.hostname or "")


def _choice(schemes: Collection[str], relative: bool) -> str:
    names = [f"{scheme}:" for scheme in schemes]
    if relative:
        return f"{', '.join(names)} or be relative"
    return " or ".join([", ".join(names[:-1]), names[-1]])
