"""Text from outside, made safe for a log line or a terminal."""

from __future__ import annotations


def replace_unprintable(text: str) -> str:
    """The text with `?` for every character that could break a line or control a terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
