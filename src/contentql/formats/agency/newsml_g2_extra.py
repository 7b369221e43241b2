"""Elements of NewsML-G2 that an import kept, as XML again, in the order of the standard's schema."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from contentql.formats.xml_text import element, open_tag

SYSTEM: Final = "newsml-g2"
_NAME: Final = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
_ATTRIBUTE: Final = re.compile(r"xml:lang|[A-Za-z][A-Za-z0-9.-]*")
# Elements in the order of NewsML-G2 2.35.
_ORDER: Final[dict[str, tuple[str, ...]]] = {
    "itemMeta": (
        "itemClass", "provider", "versionCreated", "firstCreated", "embargoed", "pubStatus", "role",
        "fileName", "generator", "profile", "service", "title", "edNote", "memberOf", "instanceOf", "signal",
        "altRep", "deliverableOf", "hash", "expires", "origRep", "incomingFeedId", "metadataCreator", "link",
        "itemMetaExtProperty",
    ),
    "contentMeta": (
        "icon", "urgency", "contentCreated", "contentModified", "digitalSourceType", "located", "infoSource",
        "creator", "contributor", "audience", "exclAudience", "altId", "rating", "userInteraction",
        "language", "keyword", "genre", "subject", "slugline", "headline", "dateline", "by", "creditline",
        "description", "contentMetaExtProperty",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class ExtraElements:
    """What an import of NewsML-G2 kept in `extra`."""

    values: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, extra: Any) -> ExtraElements:
        values = extra.get(SYSTEM) if isinstance(extra, Mapping) else None
        return cls(values if isinstance(values, Mapping) else {})

    @property
    def catalog_references(self) -> list[str]:
        references = self.values.get("catalogRef")
        return [part for part in references if isinstance(part, str)] if isinstance(references, list) else []

    @property
    def schemes(self) -> dict[str, str]:
        schemes = self.values.get("catalog")
        pairs = schemes.items() if isinstance(schemes, Mapping) else ()
        return {alias: uri for alias, uri in pairs if isinstance(uri, str) and _NAME.fullmatch(alias)}

    def text(self, name: str) -> str | None:
        value = self.values.get(name)
        return value if isinstance(value, str) else None

    def elements(self, name: str) -> str:
        """The XML of the elements of a name; "" if there are none."""
        return "".join(_write(part) for part in self._parts(name))

    def has(self, group: str, name: str, text: str | None) -> bool:
        """Whether a group has an element with a child `name` of this text."""
        for part in self._parts(group):
            inner = part.get("children") or ()
            if part.get("element") == name and any(
                isinstance(other, Mapping) and other.get("text") == text for other in inner
            ):
                return True
        return False

    def in_order(self, group: str, parts: Mapping[str, str], also: tuple[str, ...] = ()) -> str:
        """The XML of a group: `parts` by the names of their elements, and the kept ones of the group, in the
        order of the schema. Kept elements of `parts` that may be there only once are left out."""
        by_name: dict[str, list[str]] = {}
        for name in (group, *also):
            for part in self._parts(name):
                by_name.setdefault(str(part.get("element")), []).append(_write(part))
        single = {"urgency", "contentCreated", "contentModified", "digitalSourceType", "profile", "role"}
        written = []
        for name in _ORDER[group]:
            own, others = parts.get(name) or "", by_name.get(name) or []
            others = ([] if own else others[:1]) if name in single else others
            written.append(own + "".join(dict.fromkeys(other for other in others if other not in own)))
        return "".join(written)

    def _parts(self, name: str) -> Iterator[Mapping[str, Any]]:
        value = self.values.get(name)
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, Mapping):
                yield part


def _write(part: Mapping[str, Any], nesting: int = 0) -> str:
    """The XML of an element that was kept as JSON, see `to_json`."""
    name, values = part.get("element"), part.get("attributes")
    if not isinstance(name, str) or not _NAME.fullmatch(name) or nesting > 12:
        return ""
    attributes = {
        key.replace(":", "_", 1): value
        for key, value in (values.items() if isinstance(values, Mapping) else ())
        if _ATTRIBUTE.fullmatch(key) and isinstance(value, str)
    }
    text = part.get("text")
    content = element("x", text)[3:-4] if isinstance(text, str) else ""
    children = part.get("children")
    for child in children if isinstance(children, list) else ():
        content += _write(child, nesting + 1) if isinstance(child, Mapping) else ""
    return f"{open_tag(name, **attributes)}{content}</{name}>"
