"""Properties of ninjs items of all generations, 1.0 to 3.2, under the names of generation 3.

Generation 1 has properties such as `headline`, `body_html` and `person`, and objects where later ones have
arrays; generation 2 has the arrays with names in lower case. Feeds mix them, so each property is recognised
by itself. Invariant: every JSON value is accepted; what has a wrong type is listed in `wrong`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

from contentql.formats.agency.agency_builder import MAX_TEXT

MAX_OBJECTS: Final = 2_000  # of one array

_TEXTS: Final = (
    "uri", "type", "representationType", "profile", "version", "firstCreated", "versionCreated",
    "contentCreated", "embargoedUntil", "pubStatus", "copyrightHolder", "copyrightNotice", "usageTerms",
    "edNote", "language", "title", "by", "slugline", "located", "expires", "mimeType", "guid",
)  # fmt: skip
_ARRAYS: Final = (
    "descriptions", "bodies", "headlines", "people", "organisations", "places", "subjects", "events",
    "objects", "infoSources", "renditions", "associations", "altIds", "trustIndicators", "genres",
    "plannedCoverage", "authors", "service", "keywords",
)  # fmt: skip
_OBJECTS: Final = ("standard", "rightsInfo", "digitalSourceType", "eventDetails", "poi")
# Names in generations 1 and 2 that are not those of generation 3 in lower case.
_OLD_NAMES: Final = {
    "embargoed": "embargoedUntil",
    "byline": "by",
    "person": "people",
    "organisation": "organisations",
    "organization": "organisations",
    "organizations": "organisations",
    "place": "places",
    "subject": "subjects",
    "event": "events",
    "object": "objects",
    "infosource": "infoSources",
    "trustindicator": "trustIndicators",
    "genre": "genres",
    "$standard": "standard",
}
NAMES: Final[dict[str, str]] = {
    **{name.lower(): name for name in (*_TEXTS, "urgency", *_ARRAYS, *_OBJECTS)},
    **_OLD_NAMES,
}
# Inner names of generation 3 by their spelling in lower case.
INNER_NAMES: Final = {
    name.lower(): name
    for name in (
        "contentType", "charCount", "wordCount", "sizeInBytes", "geoJSON", "contactInfo", "langId",
        "linkedRights", "encodedRights", "symbolType", "aspectRatio", "videoCodec", "frameRate",
        "transportProtocol", "scanType", "eventStatus", "plannedCoverageStatus", "startDate", "endDate",
        "expectedStartDate", "expectedEndDate", "expectedDuration", "postalCode", "exclAudience", "itemCount",
        "rangeFrom", "rangeTo", "pubStatus", "edNote",
    )
}  # fmt: skip
_TEXT_OF_ROLE: Final = re.compile(r"(headline|body|description)(?:_(\w{1,50}))?", re.ASCII)
_ARRAY_OF: Final = {"headline": "headlines", "body": "bodies", "description": "descriptions"}
_CONTENT_TYPES: Final = {
    "html": "text/html",
    "html5": "text/html",
    "xhtml": "application/xhtml+xml",
    "text": "text/plain",
    "nitf": "application/nitf+xml",
}


_WRONG_TYPE: Final = "a value of a wrong type"


@dataclass
class NinjsItem:
    """Properties of an item: `known` by their names in generation 3, `unknown` as they are.

    `wrong`: what was left out of properties, by their names, filled while they are read.
    """

    known: dict[str, Any] = field(default_factory=dict)
    unknown: dict[str, Any] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        return name in self.known

    def text(self, name: str) -> str:
        """The text of a property, "" if there is none; numbers are texts, too."""
        return self._text(name, self.known.get(name))

    def object(self, name: str) -> dict[str, Any]:
        """The object of a property with its names in lower case, {} if there is none."""
        value = self.known.get(name)
        if isinstance(value, dict):
            return _lower(value)
        if value is not None:
            self.wrong[name] = _WRONG_TYPE
        return {}

    def objects(self, name: str) -> list[dict[str, Any]]:
        """The objects of an array with their names in lower case, at most MAX_OBJECTS.

        In place of an object, a text is the name of one. In place of an array, an object has the names of its
        items (generation 1), or is the only item.
        """
        value = self.known.get(name)
        items: list[Any] = value if isinstance(value, list) else []
        if isinstance(value, dict):
            is_item = any(isinstance(item, str | int | float) for item in value.values())
            items = [value] if is_item else [_named(key, item) for key, item in value.items()]
        elif isinstance(value, str) and value.strip():
            items = [value]
        elif value is not None and not isinstance(value, list | str):
            self.wrong[name] = _WRONG_TYPE
        if len(items) > MAX_OBJECTS:
            self.wrong[name] = f"{len(items) - MAX_OBJECTS:,} objects after the first {MAX_OBJECTS:,}"
        objects = []
        for item in items[:MAX_OBJECTS]:
            if isinstance(item, dict):
                objects.append(_lower(item))
            elif isinstance(item, str) and item.strip():
                objects.append({"name": item, "value": item})
            elif item is not None:
                self.wrong.setdefault(name, _WRONG_TYPE)
        return objects

    def _text(self, name: str, value: Any) -> str:
        if isinstance(value, str):
            if len(value) > MAX_TEXT:
                self.wrong[name] = f"the characters after the first {MAX_TEXT:,}"
            return value[:MAX_TEXT].strip()
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        if value is not None:
            self.wrong[name] = _WRONG_TYPE
        return ""


def read_properties(item: dict[str, Any]) -> NinjsItem:
    """The properties of an item of any generation."""
    result = NinjsItem()
    for name, value in item.items():
        lower = name.lower()
        known = NAMES.get(lower)
        role = _TEXT_OF_ROLE.fullmatch(lower)
        if role and isinstance(value, str):
            kind, part = role[1], role[2] or "main"
            entry = {"role": part, "value": value, "contentType": _CONTENT_TYPES.get(part, "text/plain")}
            entries = result.known.setdefault(_ARRAY_OF[kind], [])
            if isinstance(entries, list):
                entries.append(entry)
        elif known is None:
            if lower not in ("charcount", "wordcount", "readtime"):  # of the text, which is counted
                result.unknown[name] = value
        elif isinstance(value, list) and isinstance(result.known.get(known), list):
            result.known[known] = [*result.known[known], *value]
        elif value is not None:
            result.known.setdefault(known, value)
    if "altIds" in result.known and isinstance(ids := result.known["altIds"], dict):
        result.known["altIds"] = [{"role": role, "value": value} for role, value in ids.items()]
    if "guid" in result.known:
        result.known.setdefault("uri", result.known.pop("guid"))
    return result


def inner_text(values: dict[str, Any], name: str) -> str:
    """The text of a property of an inner object, "" if it has none."""
    value = values.get(name)
    if isinstance(value, str):
        return value[:MAX_TEXT].strip()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def inner_number(values: dict[str, Any], name: str) -> float | None:
    """The number of a property of an inner object, also if it is written as a text; None if it has none."""
    value = values.get(name)
    if isinstance(value, str) and re.fullmatch(r"\s*-?\d{1,15}(\.\d{1,9})?\s*", value, re.ASCII):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e15 else None


def inner_integer(values: dict[str, Any], name: str) -> int | None:
    """As inner_number, rounded to a whole number."""
    number = inner_number(values, name)
    return None if number is None else round(number)


def as_generation_3(value: Any, depth: int = 0) -> Any:
    """A value with the inner names of generation 3; a scheme and a code of generation 1 become a URI."""
    if isinstance(value, list) and depth < 12:
        return [as_generation_3(item, depth + 1) for item in value[:MAX_OBJECTS]]
    if not isinstance(value, dict) or depth >= 12:
        return value
    result = {
        INNER_NAMES.get(name.lower(), name): as_generation_3(item, depth + 1)
        for name, item in list(value.items())[:MAX_OBJECTS]
    }
    scheme, code = result.get("scheme"), result.get("code")
    if isinstance(scheme, str) and isinstance(code, str):
        del result["scheme"], result["code"]
        result["uri" if "/" in scheme else "literal"] = f"{scheme}{code}" if "/" in scheme else code
    return result


def _lower(values: dict[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in values.items()}


def _named(name: str, value: Any) -> Any:
    return {"name": name, **value} if isinstance(value, dict) else value
