"""People, places and other concepts of ninjs items as tags, sections and authors."""

from __future__ import annotations

import re
from typing import Any, Final

from contentql.content.enums import AuthorRole, TagType
from contentql.content.warnings import WarningCode
from contentql.formats.agency.agency_builder import AgencyBuilder
from contentql.formats.agency.ninjs_properties import (
    NinjsItem,
    as_generation_3,
    inner_number,
    inner_text,
)

CONCEPTS: Final[dict[str, TagType]] = {
    "subjects": TagType.TOPIC,
    "people": TagType.PERSON,
    "organisations": TagType.ORGANISATION,
    "places": TagType.PLACE,
    "events": TagType.EVENT,
    "objects": TagType.WORK,
    "keywords": TagType.TOPIC,
}
LITERAL_SCHEME: Final = "literal"  # of codes without a scheme
_SECTION_RELATIONS: Final = {"category", "section", "department", "channel", "desk"}
_AUTHOR_ROLES: Final[dict[str, AuthorRole]] = {
    "author": AuthorRole.WRITER,
    "byline": AuthorRole.WRITER,
    "creator": AuthorRole.WRITER,
    "writer": AuthorRole.WRITER,
    "photographer": AuthorRole.PHOTOGRAPHER,
    "translator": AuthorRole.TRANSLATOR,
    "editor": AuthorRole.EDITOR,
}


def add_sections(builder: AgencyBuilder, item: NinjsItem) -> None:
    """Adds the subjects that are sections, and the services of 1.x, with the deepest path first.

    A section is a subject whose relation says so. Its literal may be its path, such as `local/transport`;
    a section above another one is not added by itself.
    """
    names: dict[str, str] = {}
    for subject in item.objects("subjects"):
        if _relation(subject) in _SECTION_RELATIONS:
            name = inner_text(subject, "name") or inner_text(subject, "literal")
            path = inner_text(subject, "literal") or inner_text(subject, "code") or name
            names.setdefault(path.strip("/"), name)
    paths = [path for path in names if not any(other.startswith(f"{path}/") for other in names)]
    for path in paths:
        slugs = [part for part in path.split("/") if part]
        above = ["/".join(slugs[: index + 1]) for index in range(len(slugs))]
        is_path = "/" in path or path == path.lower()
        builder.add_section(
            *(names.get(part) or slug for part, slug in zip(above, slugs, strict=True)),
            slugs=slugs if is_path else (),
        )
    for service in item.objects("service"):
        if name := inner_text(service, "name") or inner_text(service, "code"):
            builder.add_section(name)


def add_authors(builder: AgencyBuilder, item: NinjsItem) -> None:
    """Adds the people whose relation to the item is that of an author."""
    for person in item.objects("people"):
        if role := _AUTHOR_ROLES.get(_relation(person)):
            uri = inner_text(person, "uri")
            url = uri if uri.startswith(("https://", "http://")) else None
            builder.add_author(inner_text(person, "name") or inner_text(person, "literal"), url, role)
    for author in item.objects("authors"):
        role_name = inner_text(author, "role").lower()
        name = inner_text(author, "name") or inner_text(author, "code")
        builder.add_author(name, role=_AUTHOR_ROLES.get(role_name, AuthorRole.WRITER))


def add_concepts(builder: AgencyBuilder, item: NinjsItem) -> None:
    """Adds the tags of an item. What has no name is kept."""
    for property_name, type_ in CONCEPTS.items():
        if not item.has(property_name):
            continue
        builder.mention("tags")
        unnamed = []
        for concept in item.objects(property_name):
            relation = _relation(concept)
            is_section = property_name == "subjects" and relation in _SECTION_RELATIONS
            if is_section or (property_name == "people" and relation in _AUTHOR_ROLES):
                continue
            name = inner_text(concept, "name")
            if not re.search(r"\w", name):
                unnamed.append(as_generation_3(concept))
                continue
            if "contactinfo" in concept:
                message = f"the contact details of {name[:100]!r} were left out"
                builder.warn(WarningCode.DROPPED, message, "tags")
            _add_concept(builder, type_, name, concept)
        if unnamed:
            builder.keep(property_name, unnamed)
            message = f"{len(unnamed)} of the {property_name} without a name became no tags"
            builder.warn(WarningCode.DROPPED, message, "tags")


def _add_concept(builder: AgencyBuilder, type_: TagType, name: str, concept: dict[str, Any]) -> None:
    scheme, code, literal = (inner_text(concept, part) for part in ("scheme", "code", "literal"))
    codes: list[tuple[str, str]] = []
    uri = inner_text(concept, "uri")
    if scheme and code and scheme.endswith(("/", "#")) and not uri:
        uri = f"{scheme}{code}"
    elif scheme and code:
        codes.append((scheme, code))
    elif (literal or code) not in ("", name) and not uri.endswith(literal or code):
        codes.append((LITERAL_SCHEME, literal or code))
    fields: dict[str, Any] = {
        part: value
        for part in ("relevance", "confidence")
        if (value := _percentage(inner_number(concept, part))) is not None
    }
    position = _position(concept.get("geojson"))
    if position:
        fields["latitude"], fields["longitude"] = position
    elif concept.get("geojson"):
        message = f"the area of {name[:100]!r} was left out: a tag has one point"
        builder.warn(WarningCode.DROPPED, message, "tags")
    builder.add_concept(type_, name, [uri] if uri else [], codes, **fields)


def _relation(concept: dict[str, Any]) -> str:
    return inner_text(concept, "rel").lower()


def _percentage(number: float | None) -> int | None:
    return round(number) if number is not None and 0 <= number <= 100 else None


def _position(value: Any) -> tuple[float, float] | None:
    """Latitude and longitude of a point in GeoJSON, whose coordinates begin with the longitude."""
    for _ in range(3):  # a collection of one feature with a point
        if not isinstance(value, dict):
            return None
        features = value.get("features")
        inner = value.get("geometry") or (
            features[0] if isinstance(features, list) and len(features) == 1 else None
        )
        if not inner:
            break
        value = inner
    if not isinstance(value, dict) or value.get("type") != "Point":
        return None
    coordinates = value.get("coordinates")
    if not isinstance(coordinates, list) or len(coordinates) < 2:
        return None
    longitude = inner_number({"n": coordinates[0]}, "n")
    latitude = inner_number({"n": coordinates[1]}, "n")
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return latitude, longitude
