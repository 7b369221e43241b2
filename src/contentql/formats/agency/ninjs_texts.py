"""Headlines, descriptions and bodies of ninjs items: which of several is which field."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from contentql.formats.agency.ninjs_properties import NinjsItem, inner_text
from contentql.formats.plain_text import html_to_text

# Roles of bodies that are the whole text; other ones are a teaser, a script, a list of shots.
_WHOLE_BODY: Final = re.compile(
    r"main|body|text|full|story|article|content|simple|plain|markup|rich\w*|x?html5?|\w*nitf|", re.IGNORECASE
)
_MARKUP: Final = re.compile(r"\s*<(?:!--|[a-zA-Z])")
_NITF: Final = re.compile(
    r"\s*+(?:<\?xml[^>]*+>\s*+)?(?:<!--(?>.*?-->)\s*+)*+<nitf[\s>]", re.IGNORECASE | re.DOTALL
)

BodyKind = Literal["html", "nitf", "text"]


class TextPart(NamedTuple):
    """One of several texts, with its role in lower case and its position in the array."""

    role: str
    content_type: str
    value: str
    position: int

    @property
    def is_html(self) -> bool:
        return "html" in self.content_type or (not self.content_type and bool(_MARKUP.match(self.value)))


def text_parts(item: NinjsItem, name: str) -> list[TextPart]:
    """The texts of an array such as `headlines` that are not empty."""
    parts = []
    for index, values in enumerate(item.objects(name)):
        value = inner_text(values, "value")
        if value:
            role = inner_text(values, "role").lower()
            parts.append(TextPart(role, inner_text(values, "contenttype").lower(), value, index))
    return parts


def choose_text(item: NinjsItem, name: str, roles: Sequence[str], *, strict: bool = False) -> TextPart | None:
    """The text of the first role that an array has one of; plain text before HTML.

    Without a text in any of the roles it is the first one, None if `strict`.
    """
    parts = text_parts(item, name)
    for role in roles:
        matches = [part for part in parts if part.role == role]
        if matches:
            return min(matches, key=lambda part: part.is_html)
    return parts[0] if parts and not strict else None


def plain(part: TextPart | None) -> str:
    """The plain text of a text, "" if there is none."""
    if part is None:
        return ""
    return html_to_text(part.value) if part.is_html else part.value


def body_kind(part: TextPart) -> BodyKind:
    """Whether a body is HTML, NITF or plain text, by its content type, else by its role and beginning."""
    if "nitf" in part.content_type or "nitf" in part.role or _NITF.match(part.value[:2_000]):
        return "nitf" if _NITF.match(part.value[:2_000]) else "text" if "<" not in part.value else "html"
    if "html" in part.content_type or (part.content_type in ("", "text/plain") and "html" in part.role):
        return "html"
    if part.content_type.startswith("text/plain"):
        return "text"
    return "html" if _MARKUP.match(part.value) and "</" in part.value else "text"


def choose_body(item: NinjsItem) -> TextPart | None:
    """The body of an item: the whole text before others, HTML before NITF before plain text, the role `main`
    before others, `rich` ones before the rest, then in their order."""

    def rank(part: TextPart) -> tuple[bool, int, bool, bool]:
        is_foreign = "nitf" in part.role and body_kind(part) != "nitf"  # another format of that name
        return (
            not _WHOLE_BODY.fullmatch(part.role) or is_foreign,
            ("html", "nitf", "text").index(body_kind(part)),
            part.role != "main",
            not part.role.startswith("rich"),
        )

    return min(text_parts(item, "bodies"), key=rank, default=None)


def other_bodies(item: NinjsItem, chosen: TextPart | None) -> list[TextPart]:
    """The bodies that are another text than the whole one."""
    return [
        part for part in text_parts(item, "bodies") if part != chosen and not _WHOLE_BODY.fullmatch(part.role)
    ]
