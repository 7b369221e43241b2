"""Elements of NewsML-G2 items: names without namespaces, codes as URIs, and what no field has as JSON.

The alias in a QCode is that of the catalog of its item. Catalogs elsewhere are never requested; of these only
the aliases of the IPTC's own catalog are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final
from xml.etree.ElementTree import Element

from contentql.formats.agency.newscodes import SCHEMES
from contentql.formats.agency.nitf import inner_text
from contentql.formats.agency.xml_stream import local_name

NAMESPACE: Final = "http://iptc.org/std/nar/2006-10-01/"
LANGUAGE: Final = "{http://www.w3.org/XML/1998/namespace}lang"
# Schemes of the writer for roles and renditions, for which the IPTC has no vocabulary or a closed one.
OWN_SCHEMES: Final = {"cqlrole": "urn:contentql:role:", "cqlrend": "urn:contentql:rendition:"}
# Classes of figures in which the writer shows media that the body does not show.
LEAD_CLASS: Final = "lead-media"
MEDIA_CLASS: Final = "other-media"
_MAX_NESTING: Final = 6  # of elements that are kept


def child(element: Element | None, *path: str) -> Element | None:
    """The first child of a name, its first child of the next name, and so on."""
    for name in path:
        element = next(children(element, name), None)
    return element


def children(element: Element | None, *names: str) -> Iterator[Element]:
    """The children of an element that have one of these names."""
    for part in element if element is not None else ():
        if local_name(part) in names:
            yield part


def text_of(element: Element | None) -> str:
    """The text in an element, in one line; "" for none."""
    return "" if element is None else inner_text(element)


def text_lines(element: Element | None) -> str:
    """The text in an element with its line ends, each line without spaces around it; "" for none."""
    if element is None:
        return ""
    return "\n".join(" ".join(line.split()) for line in "".join(element.itertext()).splitlines()).strip()


class Catalog:
    """The aliases of schemes of codes in one item."""

    def __init__(self, *parents: Element | None) -> None:
        self.schemes: dict[str, str] = {}
        self.references: list[str] = []
        for parent in parents:
            for catalog in children(parent, "catalog"):
                for scheme in children(catalog, "scheme"):
                    if (alias := scheme.get("alias")) and (uri := scheme.get("uri")):
                        self.schemes[alias.strip()] = uri.strip()
            self.references += [part.get("href") or "" for part in children(parent, "catalogRef")]

    def uri(self, element: Element | None, name: str = "qcode", uri_name: str = "uri") -> str:
        """The URI of the code in an attribute, or in its sibling for URIs; "" for none and for an unknown
        alias."""
        if element is None:
            return ""
        if uri := (element.get(uri_name) or "").strip():
            return uri.replace("https://cv.iptc.org/", "http://cv.iptc.org/")
        alias, separator, code = (element.get(name) or "").strip().partition(":")
        scheme = self.schemes.get(alias) or SCHEMES.get(alias)
        if not separator or not scheme:
            return ""
        return f"{scheme}{code}".replace("https://cv.iptc.org/", "http://cv.iptc.org/")

    def code(self, element: Element | None, name: str = "qcode", uri_name: str = "uri") -> str:
        """As `name`, in lower case."""
        return self.name(element, name, uri_name).lower()

    def name(self, element: Element | None, name: str, uri_name: str) -> str:
        """The last part of the code in an attribute: `main` of `exrol:main`; "" for none.

        Only where the vocabulary does not matter, as for roles.
        """
        if element is None:
            return ""
        text = self.uri(element, name, uri_name) or element.get(name) or element.get("literal") or ""
        return text.strip().rstrip("/").replace("#", "/").replace(":", "/").rpartition("/")[2]


def is_iptc(reference: str) -> bool:
    """Whether the address of a catalog is that of a version of the IPTC's own one."""
    return not reference or "catalog.IPTC-G2-Standards" in reference


def in_language(elements: Iterable[Element], language: str) -> list[Element]:
    """The elements with the language that matches best first: that language, none, its primary language, any
    other."""
    primary = language.partition("-")[0].lower()

    def rank(element: Element) -> int:
        tag = (element.get(LANGUAGE) or "").lower()
        if tag == language.lower():
            return 0
        return 1 if not tag else 2 if tag.partition("-")[0] == primary else 3

    return sorted(elements, key=rank)


def to_json(element: Element, nesting: int = 0) -> dict[str, Any]:
    """An element with its attributes, text and children as JSON, for `ExtraElements`."""
    result: dict[str, Any] = {"element": local_name(element)}
    attributes = {
        "xml:lang" if name == LANGUAGE else name: value
        for name, value in element.attrib.items()
        if not name.startswith("{") or name == LANGUAGE
    }
    if attributes:
        result["attributes"] = attributes
    if (text := element.text) and text.strip():
        result["text"] = " ".join(text.split())
    if nesting < _MAX_NESTING:
        parts = [to_json(part, nesting + 1) for part in element if local_name(part)]
        if parts:
            result["children"] = parts[:200]
    return result
