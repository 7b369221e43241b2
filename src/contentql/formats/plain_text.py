"""Plain text of HTML, of names and of slugs, as other programs write them."""

from __future__ import annotations

import re
from html import unescape

from slugify import slugify

from contentql.content.slugs import normalize_slug

_TAG = re.compile(r"<[a-zA-Z/!][^<>]{0,2000}>")
# Tags that are markup also if their brackets were escaped.
_ESCAPED_TAG = re.compile(
    r"</?(?:a|abbr|b|big|br|cite|code|div|em|font|h[1-6]|i|img|li|mark|ol|p|q|s|small|span|strong|sub|sup|u|ul)"
    r"(?:\s[^<>]{0,2000})?/?>",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"<?(?:mailto:)?\b[^\s<>()@]+@[^\s<>()@]+\.[^\s<>()@]+>?")
_FORBIDDEN_IN_SLUG = re.compile(r"[\s/:?#%]+")


def html_to_text(html: str) -> str:
    """The text of HTML without tags, in lines; characters that were escaped twice are resolved."""
    text = _TAG.sub(" ", html) if "<" in html else html
    for _ in range(2):
        if "&" not in text:
            break
        text = unescape(text)
        text = _ESCAPED_TAG.sub(" ", text) if "<" in text else text
    return "\n".join(" ".join(line.split()) for line in text.splitlines()).strip()


def without_email(text: str) -> str:
    """The name in an author such as `jane@example.org (Jane Doe)` or `Jane Doe <jane@example.org>`.

    "" if there is nothing but an e-mail address.
    """
    name = " ".join(_EMAIL.sub(" ", text).split()).strip("()<>,; ") if "@" in text else text
    return "" if "@" in name else name


def decode_slug(slug: str) -> str:
    """A slug as written in an address, decoded; characters that no slug has become hyphens."""
    return _FORBIDDEN_IN_SLUG.sub("-", normalize_slug(slug)).strip("-")


def make_slug(name: str, slug: str = "", limit: int = 160) -> str:
    """The slug of the source, else one made of the name; "" if none can be made."""
    return (decode_slug(slug) or slugify(name))[:limit].strip("-")
