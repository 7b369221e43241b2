"""Writer of ninjs 3.2: a JSON array with an item for each article.

Lost by nature: chains and spans of attributions, which become a list of sources; more than one code of a tag;
names in other languages. Corrections become a note to editors. Properties that an import of ninjs kept are
written again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import orjson

from contentql.formats.agency.newscodes import (
    SCHEMES,
    concept_uri,
    genre_uri,
    publication_status,
)
from contentql.formats.agency.ninjs_concepts import LITERAL_SCHEME
from contentql.formats.agency.ninjs_content import MEDIA_NAMES
from contentql.formats.agency.ninjs_media import ORIGINAL
from contentql.formats.article_document import ArticleDocument, FeedInfo
from contentql.formats.article_html import article_media, hops_of, render_body, source_name

CONTENT_TYPE: Final = "application/json; charset=utf-8"
VERSION: Final = "3.2"
_SCHEMA: Final = "http://www.iptc.org/std/ninjs/ninjs-schema_3.2.json"
_CONCEPTS: Final = {
    "TOPIC": "subjects",
    "PERSON": "people",
    "ORGANISATION": "organisations",
    "PLACE": "places",
    "EVENT": "events",
    "WORK": "objects",
}
_AUTHOR_RELATIONS: Final = {"WRITER": "author"}
_MEDIA_TYPES: Final = {"IMAGE": "picture", "VIDEO": "video", "AUDIO": "audio", "DOCUMENT": "component"}

Properties = dict[str, Any]


def write(articles: Iterable[ArticleDocument], feed: FeedInfo) -> Iterator[bytes]:
    """Yields the array, an item at a time."""
    before = b"[\n"
    for article in articles:
        yield before + orjson.dumps(ninjs_item(article, feed))
        before = b",\n"
    yield b"\n]\n" if before == b",\n" else b"[]\n"


def ninjs_item(article: ArticleDocument, feed: FeedInfo) -> Properties:
    """The ninjs item of an article."""
    extra = _extra(article)
    rights = article.get("rights") or {}
    dateline = article.get("dateline") or {}
    item: Properties = {
        "uri": article["uri"],
        "type": "text",
        "representationType": "full",
        "standard": {"name": "ninjs", "version": VERSION, "schema": _SCHEMA},
        "version": str(article.get("version") or 1),
        "firstCreated": article.get("publishedAt"),
        "versionCreated": article.get("updatedAt") or article.get("publishedAt"),
        "embargoedUntil": article.get("embargoUntil"),
        "expires": article.get("expiresAt"),
        "pubStatus": publication_status(article.get("status")),
        "urgency": article.get("urgency"),
        "language": article.get("language"),
        "title": extra.get("title") or article["headline"],
        "slugline": extra.get("slugline") or article.get("slug"),
        "by": _byline(article),
        "located": dateline.get("place") or dateline.get("text"),
        "copyrightHolder": extra.get("copyrightHolder"),
        "copyrightNotice": rights.get("copyrightNotice"),
        "usageTerms": rights.get("usageTerms"),
        "edNote": _ed_note(article),
        "headlines": _headlines(article),
        "descriptions": _texts(("summary", article.get("summary"))),
        "bodies": _bodies(article, feed),
        "genres": _genres(article),
        "subjects": _sections(article),
        "people": _authors(article),
        "infoSources": _sources(article),
        "altIds": _alt_ids(article),
        "associations": _associations(article),
    }
    for name, concept in _concepts(article):
        item[name] = [*(item.get(name) or []), concept]
    _add_extra(item, extra)
    return {name: value for name, value in item.items() if value not in (None, "", [], {})}


def _extra(article: ArticleDocument) -> Properties:
    extra = (article.get("extra") or {}).get("ninjs")
    return dict(extra) if isinstance(extra, Mapping) else {}


def _add_extra(item: Properties, extra: Properties) -> None:
    """Adds what an import kept: at the end of arrays, and in place of what the article lacks."""
    for name, value in extra.items():
        if isinstance(value, list) and isinstance(item.get(name), list):
            item[name] = item[name] + [part for part in value if part not in item[name]]
        elif name != MEDIA_NAMES and item.get(name) in (None, "", [], {}):
            item[name] = value


def _texts(*texts: tuple[str, str | None], content_type: str = "text/plain") -> list[Properties]:
    return [{"role": role, "contentType": content_type, "value": value} for role, value in texts if value]


def _headlines(article: ArticleDocument) -> list[Properties]:
    names = (("main", "headline"), ("kicker", "kicker"), ("short", "shortHeadline"))
    return _texts(*((role, article.get(name)) for role, name in names))


def _bodies(article: ArticleDocument, feed: FeedInfo) -> list[Properties]:
    html = render_body(article, feed.home_url, with_sources=feed.with_sources)
    bodies = _texts(("main", html), content_type="text/html")
    for body in bodies if article.get("wordCount") else ():
        body["wordCount"] = article["wordCount"]
    return bodies


def _byline(article: ArticleDocument) -> str:
    names = [credit["author"]["name"] for credit in article.get("authors") or ()]
    return str(article.get("byline") or " and ".join(names))


def _ed_note(article: ArticleDocument) -> str:
    """The note to editors, and the corrections, for which ninjs has no property."""
    notes = [article.get("edNote") or ""]
    for correction in article.get("corrections") or ():
        notes.append(f"{correction['kind']}: {correction['text']}")
    return "\n".join(note for note in dict.fromkeys(notes) if note)


def _genres(article: ArticleDocument) -> list[Properties]:
    content_type = article.get("contentType")
    if not content_type:
        return []
    name = content_type.lower().replace("_", " ")
    uri = genre_uri(content_type)
    return [{"name": name, **({"uri": uri} if uri else {}), "literal": name.replace(" ", "-")}]


def _sections(article: ArticleDocument) -> list[Properties]:
    """The primary section and the others, each after those above it."""
    subjects: dict[str, Properties] = {}
    primary = article.get("category")
    for category in [*([primary] if primary else []), *(article.get("categories") or ())]:
        above, parent = [category], category.get("parent")
        while parent:
            above.append(parent)
            parent = parent.get("parent")
        for part in reversed(above):
            subject = {"name": part["name"], "rel": "category", "literal": part["path"]}
            subjects.setdefault(part["path"], subject)
    return list(subjects.values())


def _authors(article: ArticleDocument) -> list[Properties]:
    people = []
    for credit in article.get("authors") or ():
        author, role = credit["author"], credit.get("role") or "WRITER"
        uri = next(iter(author.get("sameAs") or ()), None) or author.get("canonicalUrl")
        relation = _AUTHOR_RELATIONS.get(role, role.lower())
        people.append({"name": author["name"], "rel": relation, **({"uri": uri} if uri else {})})
    return people


def _concepts(article: ArticleDocument) -> Iterator[tuple[str, Properties]]:
    """The tags with the names of their arrays."""
    mentions = {mention["entity"]["id"]: mention for mention in article.get("entities") or ()}
    for tag in article.get("tags") or ():
        concept: Properties = {"name": tag["name"]}
        codes = tag.get("codes") or ()
        uris = [f"{SCHEMES['wikidata']}{tag['wikidata']}"] if tag.get("wikidata") else []
        uris += [uri for code in codes if (uri := concept_uri(code["scheme"], code["code"]))]
        literals = [code["code"] for code in codes if code["scheme"] == LITERAL_SCHEME]
        if uris:
            concept["uri"] = uris[0]
        concept["literal"] = literals[0] if literals else tag["name"]
        name = _CONCEPTS.get(tag["type"], "subjects")
        mention = mentions.get(tag["id"]) or {}
        for part in ("relevance", "confidence") if name == "subjects" else ():
            if mention.get(part) is not None:
                concept[part] = mention[part]
        if position := tag.get("position") if name == "places" else None:
            coordinates = [position["longitude"], position["latitude"]]
            concept["geoJSON"] = {"type": "Point", "coordinates": coordinates}
        yield name, concept


def _sources(article: ArticleDocument) -> list[Properties]:
    """The sources of the attributions, each once, with the kind of attribution as their role."""
    sources: dict[tuple[str, str], Properties] = {}
    for attribution in article.get("attributions") or ():
        for hop in hops_of(attribution):
            name = source_name(hop.get("source"))
            if name:
                role = hop["kind"].lower()
                sources.setdefault((name, role), {"name": name, "role": role, "literal": name})
    return list(sources.values())


def _alt_ids(article: ArticleDocument) -> list[Properties]:
    ids = [("canonical", article.get("canonicalUrl")), ("slug", article.get("slug"))]
    for external_id in article.get("externalIds") or ():
        system, _, role = external_id["system"].partition(":")
        if system == "ninjs" and role:
            ids.append((role, external_id["value"]))
    return [{"role": role, "value": value} for role, value in ids if value]


def _associations(article: ArticleDocument) -> list[Properties]:
    stored = _extra(article).get(MEDIA_NAMES)
    names = {part.get("href"): part for part in stored or () if isinstance(part, Mapping)}
    lead = (article.get("leadMedia") or {}).get("url")
    placements = [placement for placement in article.get("media") or () if placement.get("media")]
    roles = {part["media"]["url"]: (part.get("role") or "").lower() for part in placements}
    associations = []
    for number, (media, caption, alt) in enumerate(article_media(article), 1):
        known = names.get(media["url"]) or {}
        association = _media_item(media, caption, alt)
        role = "mainpicture" if media["url"] == lead else roles.get(media["url"]) or "inline"
        association["uri"] = known.get("uri") or media["url"]
        association["name"] = known.get("name") or f"media{number}"
        association["rel"] = known.get("rel") or role
        associations.append(association)
    return associations


def _media_item(media: Mapping[str, Any], caption: str, alt: str) -> Properties:
    credit, creator = media.get("credit") or "", media.get("creator") or ""
    is_other = bool(credit and creator and credit != creator)
    item: Properties = {
        "type": _MEDIA_TYPES.get(media.get("kind") or "", "component"),
        "by": creator if is_other else credit or creator,
        "copyrightNotice": media.get("copyright"),
        "usageTerms": media.get("usageTerms"),
        "expires": media.get("expiresAt"),
        "descriptions": _texts(
            ("caption", caption), ("alt", alt), ("creditline", credit if is_other else None)
        ),
        "renditions": _renditions(media),
    }
    if media.get("licenceUrl"):
        item["rightsInfo"] = {"linkedRights": media["licenceUrl"]}
    if source_type := media.get("digitalSourceType"):
        name = "uri" if source_type.startswith(("https://", "http://")) else "literal"
        item["digitalSourceType"] = {name: source_type}
    return {name: value for name, value in item.items() if value not in (None, "", [])}


def _renditions(media: Mapping[str, Any]) -> list[Properties]:
    """The file itself, unless it is one of the others, and its renditions."""
    others = media.get("renditions") or ()
    files = [media] if all(other["url"] != media["url"] for other in others) else []
    renditions = []
    for number, file in enumerate([*files, *others]):
        rendition: Properties = {
            "name": file.get("name") or (ORIGINAL if file is media else f"rendition{number}"),
            "href": file["url"],
            "contentType": file.get("mime"),
            "width": file.get("width"),
            "height": file.get("height"),
            "sizeInBytes": int(file["bytes"]) if file.get("bytes") else None,
            "duration": file.get("duration"),
        }
        focus, width, height = media.get("focalPoint"), file.get("width"), file.get("height")
        if focus and width and height:
            rendition["poi"] = {"x": round(focus["x"] * width), "y": round(focus["y"] * height)}
        renditions.append({name: value for name, value in rendition.items() if value not in (None, "")})
    return renditions
