"""Controlled vocabularies of the IPTC: schemes by their alias, concepts by URI, genres as content types.

Codes are compared as URIs: aliases belong to the catalog of a document, see https://iptc.org/newscodes/.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from contentql.content.enums import ContentType, TagType

_IPTC: Final = "http://cv.iptc.org/newscodes/"

_PUBLICATION_STATUSES: Final = {"PUBLISHED": "usable", "EXPIRED": "usable", "WITHDRAWN": "canceled"}

# Aliases of the IPTC's own catalog, which documents refer to by an address that is never requested.
SCHEMES: Final[dict[str, str]] = {
    "altidrole": f"{_IPTC}altidrole/",
    "cinat": f"{_IPTC}cinature/",
    "cpnat": f"{_IPTC}cpnature/",
    "cpprole": f"{_IPTC}contentprodpartyrole/",
    "crel": f"{_IPTC}conceptrelation/",
    "ctrol": f"{_IPTC}contributorrole/",
    "digsrctype": f"{_IPTC}digitalsourcetype/",
    "drol": f"{_IPTC}descriptionrole/",
    "ednoterole": f"{_IPTC}ednoterole/",
    "genre": f"{_IPTC}genre/",
    "hatarget": f"{_IPTC}hopactiontarget/",
    "hld": f"{_IPTC}headlinerole/",
    "hldrole": f"{_IPTC}headlinerole/",
    "hopaction": f"{_IPTC}hopaction/",
    "irel": f"{_IPTC}itemrelation/",
    "isrol": f"{_IPTC}infosourcerole/",
    "medtop": f"{_IPTC}mediatopic/",
    "ninat": f"{_IPTC}ninature/",
    "nmsig": f"{_IPTC}newsmsgsignal/",
    "nprov": f"{_IPTC}newsprovider/",
    "pgrmod": f"{_IPTC}pkggroupmode/",
    "plinat": f"{_IPTC}plinature/",
    "prodgenre": f"{_IPTC}productgenre/",
    "rnd": f"{_IPTC}rendition/",
    "scn": f"{_IPTC}scene/",
    "sig": f"{_IPTC}signal/",
    "stat": f"{_IPTC}pubstatusg2/",
    "subj": f"{_IPTC}subjectcode/",
    "timeunit": f"{_IPTC}timeunit/",
    "trustindicator": f"{_IPTC}trustindicator/",
    "wldreg": f"{_IPTC}worldregion/",
    "a1312cat": "http://cvx.iptc.org/anpa1312-category/",
    "bcp47": "http://cvx.iptc.org/bcp47/",
    "iso3166-1a2": "http://cvx.iptc.org/iso3166-1a2/",
    "iso3166-1a3": "http://cvx.iptc.org/iso3166-1a3/",
    "iso3166-2": "http://cvx.iptc.org/iso3166-2/",
    "isin": "http://cvx.iptc.org/isin/",
    "ticker": "http://cvx.iptc.org/ticker/",
    "dbpedia": "http://dbpedia.org/resource/",
    "geonames": "http://sws.geonames.org/",
    "wikidata": "http://www.wikidata.org/entity/",
}
_ALIASES: Final = {uri: alias for alias, uri in reversed(SCHEMES.items())}
_WIKIDATA: Final = re.compile(r"https?://(?:www\.|m\.)?wikidata\.org/(?:entity|wiki)/(Q\d{1,18})/?", re.ASCII)
_MAX_CODE: Final = 100  # characters of a scheme and of a code

GENRES: Final[dict[str, ContentType]] = {
    "news": ContentType.NEWS,
    "actuality": ContentType.NEWS,
    "current": ContentType.NEWS,
    "analysis": ContentType.ANALYSIS,
    "opinion": ContentType.OPINION,
    "comment": ContentType.OPINION,
    "commentary": ContentType.OPINION,
    "column": ContentType.OPINION,
    "editorial": ContentType.OPINION,
    "oped": ContentType.OPINION,
    "live": ContentType.LIVE,
    "liveblog": ContentType.LIVE,
    "explainer": ContentType.EXPLAINER,
    "background": ContentType.EXPLAINER,
    "backgrounder": ContentType.EXPLAINER,
    "interview": ContentType.INTERVIEW,
    "questionandanswersession": ContentType.INTERVIEW,
    "obituary": ContentType.OBITUARY,
    "review": ContentType.REVIEW,
    "gallery": ContentType.GALLERY,
    "photogallery": ContentType.GALLERY,
    "video": ContentType.VIDEO,
    "factcheck": ContentType.FACT_CHECK,
    "sponsored": ContentType.SPONSORED,
    "sponsoredcontent": ContentType.SPONSORED,
    "advertorial": ContentType.SPONSORED,
    "advertisement": ContentType.SPONSORED,
}
# Genres of the IPTC for content types that have one.
_GENRE_CODES: Final[dict[str, str]] = {
    "NEWS": "Actuality",
    "ANALYSIS": "Analysis",
    "OPINION": "Opinion",
    "EXPLAINER": "Background",
    "INTERVIEW": "Interview",
    "OBITUARY": "Obituary",
    "REVIEW": "Review",
}
# The nature of a concept, by the last part of a code of http://cv.iptc.org/newscodes/cpnature/.
CONCEPT_TYPES: Final[dict[str, TagType]] = {
    "abstract": TagType.TOPIC,
    "person": TagType.PERSON,
    "organisation": TagType.ORGANISATION,
    "organization": TagType.ORGANISATION,
    "geoarea": TagType.PLACE,
    "poi": TagType.PLACE,
    "event": TagType.EVENT,
    "object": TagType.WORK,
}


class Concept(NamedTuple):
    """What the URI of a concept says: a code in a scheme, or an item of Wikidata; both may be None."""

    code: dict[str, str] | None = None
    wikidata: str | None = None


def read_concept(uri: str) -> Concept:
    """The code of a concept URI: `medtop` and `20000523` of that of an IPTC media topic, else the part before
    the last slash or number sign and the part after it. Empty if there is none."""
    uri = uri.strip()
    if match := _WIKIDATA.fullmatch(uri):
        return Concept(wikidata=match[1])
    at = max(uri.rstrip("/").rfind("/"), uri.rfind("#"), uri.rfind(":")) + 1
    scheme, code = uri[:at], uri[at:].rstrip("/")
    return Concept(make_code(alias_of(scheme) or scheme, code))


def make_code(scheme: str, code: str) -> dict[str, str] | None:
    """A code of a vocabulary, None if its scheme or code is empty or too long to be stored."""
    scheme, code = scheme.strip(), code.strip()
    if not (0 < len(scheme) <= _MAX_CODE and 0 < len(code) <= _MAX_CODE):
        return None
    return {"scheme": scheme, "code": code}


def alias_of(scheme: str) -> str | None:
    """The IPTC's alias of the URI of a scheme."""
    return _ALIASES.get(scheme.replace("https://", "http://", 1))


def concept_uri(scheme: str, code: str) -> str | None:
    """The URI of a code, the inverse of `read_concept`; None for a scheme that has none."""
    if uri := SCHEMES.get(scheme):
        return f"{uri}{code}"
    return f"{scheme}{code}" if scheme.endswith(("/", "#", ":")) else None


def content_type_of(names: Iterable[str]) -> ContentType | None:
    """The content type of a genre by its names and URI, None if it has none."""
    for name in names:
        last = re.split(r"[/#:]", name.strip().rstrip("/"))[-1]
        if content_type := GENRES.get(re.sub(r"[\W_]+", "", last).lower()):
            return content_type
    return None


def genre_uri(content_type: str) -> str | None:
    """The URI of the IPTC's genre of a content type, None if there is none."""
    code = _GENRE_CODES.get(content_type)
    return f"{SCHEMES['genre']}{code}" if code else None


def publication_status(status: str | None) -> str:
    """The code of `pubStatus` for the status of an article, without one that of a published article."""
    return _PUBLICATION_STATUSES.get(status or "PUBLISHED", "withheld")
