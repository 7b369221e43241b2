"""Paths of the pages of the reader's site, and the site itself.

A pattern such as `/{section}/{slug}` describes the path of a page for each type of object. The same pattern
makes the canonical path of an object and recognises a path that a reader asks for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote, urlsplit

MAX_PATH_LENGTH: Final = 1_000  # characters

# Placeholders by type; the first ones identify an object.
PLACEHOLDERS: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = MappingProxyType(
    {
        "article": (frozenset({"slug", "id"}), frozenset({"section", "language"})),
        "category": (frozenset({"path", "id"}), frozenset()),
        "tag": (frozenset({"slug", "id"}), frozenset({"type"})),
        "author": (frozenset({"slug", "id"}), frozenset()),
        "source": (frozenset({"slug", "id"}), frozenset()),
        "story": (frozenset({"slug", "id"}), frozenset()),
        "collection": (frozenset({"slug", "id"}), frozenset()),
    }
)
DEFAULT_PATTERNS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "article": "/{section}/{slug}",
        "category": "/{path}",
        "tag": "/tags/{slug}",
        "author": "/authors/{slug}",
        "source": "/sources/{slug}",
        "story": "/stories/{slug}",
        "collection": "/collections/{slug}",
    }
)
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_SEVERAL_SEGMENTS = {"section", "path"}
_LITERAL = re.compile(r"[\w/.~-]*")


@dataclass(frozen=True)
class UrlPattern:
    """The pattern of the paths of one type, such as `/{section}/{slug}`."""

    type: str
    text: str

    @cached_property
    def pieces(self) -> tuple[tuple[str, str], ...]:
        """Literal texts, each with the placeholder that follows it, "" at the end."""
        parts = _PLACEHOLDER.split(self.text)
        return tuple(zip(parts[::2], [*parts[1::2], ""], strict=True))

    @cached_property
    def placeholders(self) -> tuple[str, ...]:
        return tuple(name for _, name in self.pieces if name)

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        def group(name: str) -> str:
            segments = "[^/]+(?:/[^/]+)*" if name in _SEVERAL_SEGMENTS else "[^/]+"
            return f"(?P<{name}>{segments})"

        return re.compile("".join(re.escape(t) + (group(name) if name else "") for t, name in self.pieces))

    def match(self, path: str) -> Mapping[str, str] | None:
        """Returns the values of the placeholders in a path in normal form, None if it does not match."""
        match = self._regex.fullmatch(path)
        return match.groupdict() if match else None


@dataclass(frozen=True)
class Site:
    """The reader's site: name, languages (BCP 47), address without a final slash, logo and URL patterns.

    `base_url`, `logo` are "" if unknown.
    """

    name: str = ""
    languages: tuple[str, ...] = ()
    base_url: str = ""
    logo: str = ""
    patterns: tuple[UrlPattern, ...] = tuple(UrlPattern(*item) for item in DEFAULT_PATTERNS.items())

    def pattern(self, type_: str) -> UrlPattern | None:
        return next((pattern for pattern in self.patterns if pattern.type == type_), None)

    def path_of(self, address: str) -> str:
        """Returns the path of an address of the site in normal form, without its query.

        "" if the address is of another site or no address.
        """
        path, _ = self.split_address(address)
        return path

    def split_address(self, address: str) -> tuple[str, str]:
        """Returns the path of an address in normal form, and the same with the address's query.

        Normal form: percent-decoded, Unicode NFC, one leading slash, no trailing one, no fragment. Two empty
        texts if the address is of another site or no address.
        """
        text = address.strip()
        if self.base_url and (text + "/").startswith(self.base_url + "/"):
            text = text.removeprefix(self.base_url)
        try:
            parts = urlsplit(text if text.startswith("/") else f"/{text}")
        except ValueError:
            return "", ""
        if "://" in text.partition("?")[0] or text.startswith("//") or len(text) > MAX_PATH_LENGTH:
            return "", ""
        path = unicodedata.normalize("NFC", unquote(parts.path, errors="replace")).rstrip("/") or "/"
        return path, f"{path}?{parts.query}" if parts.query else path

    def matching_types(self, address: str) -> tuple[str, ...]:
        """Returns the types whose pattern an address matches."""
        path = self.path_of(address)
        return tuple(pattern.type for pattern in self.patterns if pattern.match(path) is not None)


def parse_patterns(texts: Mapping[str, str]) -> tuple[UrlPattern, ...]:
    """Returns the patterns of all types: the defaults, replaced by `texts` by type; "" for no page.

    Raises ValueError for an unknown type or placeholder, or a pattern that identifies no object.
    """
    for type_ in texts:
        if type_ not in PLACEHOLDERS:
            raise ValueError(f"{type_} is none of the types {', '.join(PLACEHOLDERS)}")
    patterns = []
    for type_, default in DEFAULT_PATTERNS.items():
        text = texts.get(type_, default)
        if text:
            patterns.append(UrlPattern(type_, text))
            _check(patterns[-1])
    return tuple(patterns)


def _check(pattern: UrlPattern) -> None:
    identifying, others = PLACEHOLDERS[pattern.type]
    names = pattern.placeholders
    known = ", ".join(f"{{{name}}}" for name in sorted(identifying | others))
    if not pattern.text.startswith("/") or not all(_LITERAL.fullmatch(text) for text, _ in pattern.pieces):
        raise ValueError(f"the pattern {pattern.text} of {pattern.type} is no path with {known}")
    if unknown := set(names) - identifying - others:
        raise ValueError(f"{{{min(unknown)}}} in the pattern of {pattern.type} is none of {known}")
    if not identifying & set(names) or len(set(names)) < len(names):
        raise ValueError(
            f"the pattern {pattern.text} of {pattern.type} needs one of"
            f" {', '.join(f'{{{name}}}' for name in sorted(identifying))}, and each only once"
        )
