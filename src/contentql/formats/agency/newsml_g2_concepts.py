"""Subjects, keywords and creators of NewsML-G2 items as tags, sections and authors."""

from __future__ import annotations

import re
from typing import Any, Final
from xml.etree.ElementTree import Element

from contentql.content.enums import AuthorRole, TagType
from contentql.content.records import LocalNameRecord
from contentql.content.warnings import WarningCode
from contentql.formats.agency.agency_builder import AgencyBuilder
from contentql.formats.agency.newscodes import CONCEPT_TYPES, SCHEMES
from contentql.formats.agency.newsml_g2_elements import (
    LANGUAGE,
    Catalog,
    child,
    children,
    in_language,
    text_of,
    to_json,
)
from contentql.formats.agency.ninjs_concepts import LITERAL_SCHEME
from contentql.formats.plain_text import make_slug
from contentql.language_tags import LanguageTagError, normalize_language_tag

_AUTHOR_ROLES: Final = {
    "": AuthorRole.WRITER,
    "author": AuthorRole.WRITER,
    "writer": AuthorRole.WRITER,
    "reporter": AuthorRole.WRITER,
    "photographer": AuthorRole.PHOTOGRAPHER,
    "translator": AuthorRole.TRANSLATOR,
    "editor": AuthorRole.EDITOR,
}
_MAX_SUBJECTS: Final = 2_000
_MAX_ASSERTS: Final = 5_000


class Concepts:
    """The concepts of one item; `assert` elements say more about those that others refer to."""

    def __init__(self, builder: AgencyBuilder, item: Element, catalog: Catalog, language: str) -> None:
        self._builder, self._catalog, self._language = builder, catalog, language
        self._asserts: dict[str, Element] = {}
        for element in list(children(item, "assert"))[:_MAX_ASSERTS]:
            self._asserts.setdefault(self._key(element), element)

    def add_subjects(self, content_meta: Element | None) -> list[dict[str, Any]]:
        """Adds the subjects and keywords. Returns the subjects without a name, which become no tags."""
        unnamed = []
        subjects = list(children(content_meta, "subject"))[:_MAX_SUBJECTS]
        sections = {path: self.name(subject) for subject in subjects if (path := self._section(subject))}
        self._add_sections(sections)
        for subject in subjects:
            if not self._section(subject) and not self._add_subject(subject):
                unnamed.append(to_json(subject))
        if unnamed:
            message = f"{len(unnamed)} subjects without a name became no tags"
            self._builder.warn(WarningCode.DROPPED, message, "tags")
        for keyword in children(content_meta, "keyword"):
            if re.search(r"\w", text := text_of(keyword)):
                self._builder.add_concept(TagType.TOPIC, text)
        return unnamed

    def add_authors(self, content_meta: Element | None) -> list[dict[str, Any]]:
        """Adds creators and contributors that are persons. Returns the others."""
        others = []
        for element in children(content_meta, "creator", "contributor"):
            role = self._catalog.code(element, "role", "roleuri")
            type_ = self._catalog.code(element, "type", "typeuri")
            name = self.name(element) or (element.get("literal") or "").strip()
            is_creator = element.tag.endswith("creator")
            author_role = _AUTHOR_ROLES.get(role, AuthorRole.WRITER if is_creator else None)
            if not role and not is_creator:
                author_role = None
            if not name or author_role is None or type_.startswith("organi"):
                others.append(to_json(element))
                continue
            uri = self._catalog.uri(element)
            self._builder.add_author(
                name, uri if uri.startswith(("https://", "http://")) else None, author_role
            )
        return others

    def name(self, element: Element) -> str:
        """The name of a concept in the language of the item, else in any, else that of its `assert`."""
        for source in (element, self._asserts.get(self._key(element))):
            if source is not None:
                for name in in_language(children(source, "name"), self._language):
                    if text := text_of(name):
                        return text
        return ""

    def _key(self, element: Element) -> str:
        return self._catalog.uri(element) or element.get("qcode") or element.get("literal") or ""

    def _add_subject(self, subject: Element) -> bool:
        name = self.name(subject)
        if not re.search(r"\w", name):
            return False
        details = self._asserts.get(self._key(subject))
        uris = [self._catalog.uri(subject)]
        for source in (subject, details):
            uris += [self._catalog.uri(same) for same in children(source, "sameAs")]
        codes = []
        qcode, literal = (subject.get("qcode") or "").strip(), (subject.get("literal") or "").strip()
        if not uris[0] and ":" in qcode:
            scheme, _, code = qcode.partition(":")
            codes.append((scheme, code))
        elif not uris[0] and literal not in ("", name):
            codes.append((LITERAL_SCHEME, literal))
        fields: dict[str, Any] = {"names": self._other_names(subject, name)}
        for part in ("relevance", "confidence"):
            value = (subject.get(part) or "").strip()
            if value.isascii() and value.isdecimal() and len(value) < 4 and int(value) <= 100:
                fields[part] = int(value)
        if position := _position(details):
            fields["latitude"], fields["longitude"] = position
        type_ = CONCEPT_TYPES.get(self._nature(subject), TagType.TOPIC)
        return self._builder.add_concept(type_, name, filter(None, uris), codes, **fields)

    def _nature(self, subject: Element) -> str:
        """The nature of a concept, by a code of the IPTC's scheme; "" for any other type."""
        for uri in (self._catalog.uri(subject, "type", ""), self._catalog.uri(subject, "", "typeuri")):
            if uri.startswith(SCHEMES["cpnat"]):
                return uri.removeprefix(SCHEMES["cpnat"]).lower()
        return ""

    def _other_names(self, subject: Element, name: str) -> tuple[LocalNameRecord, ...]:
        names: dict[str, str] = {}
        for element in children(subject, "name"):
            tag, text = element.get(LANGUAGE), text_of(element)
            if tag and text and text != name and len(names) < 50:
                try:
                    names.setdefault(normalize_language_tag(tag), text[:300])
                except LanguageTagError:
                    continue
        return tuple(LocalNameRecord(language=tag, name=text) for tag, text in names.items())

    def _section(self, subject: Element) -> str:
        """The path of a subject that is a section: one without a code whose literal is a path that ends with
        the slug of its name. "" for others."""
        literal = (subject.get("literal") or "").strip()
        if not literal or subject.get("qcode") or subject.get("uri") or literal != literal.lower():
            return ""
        name = self.name(subject)
        return literal if name and name != literal and literal.rpartition("/")[2] == make_slug(name) else ""

    def _add_sections(self, sections: dict[str, str]) -> None:
        for path in sections:
            if any(other.startswith(f"{path}/") for other in sections):
                continue  # above another section
            slugs = path.split("/")
            above = ["/".join(slugs[: index + 1]) for index in range(len(slugs))]
            names = [sections.get(part, slug) for part, slug in zip(above, slugs, strict=True)]
            self._builder.add_section(*names, slugs=slugs)


def _position(details: Element | None) -> tuple[float, float] | None:
    """Latitude and longitude of a place."""
    position = child(details, "geoAreaDetails", "position")
    if position is None:
        position = child(details, "POIDetails", "position")
    if position is None:
        return None
    try:
        latitude, longitude = float(position.get("latitude") or ""), float(position.get("longitude") or "")
    except ValueError:
        return None
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None
