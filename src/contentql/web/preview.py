"""/preview/{token}: an article as plain HTML, for people with a preview link and no token.

One GraphQL operation with the link's permissions. The page has no script, is not cached, and sends no Referer
to the hosts of its images.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
from collections.abc import Callable, Mapping
from html import escape
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from contentql.auth import preview_tokens
from contentql.auth.authenticator import Authenticator
from contentql.auth.viewer import Actor
from contentql.content import ids
from contentql.content.sanitizer import sanitize_body
from contentql.content.timestamps import format_timestamp
from contentql.errors import ERROR_CODES, ApiError
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest
from contentql.telemetry.observer import RequestObserver
from contentql.telemetry.request_id import new_request_id
from contentql.telemetry.trace import RequestTrace
from contentql.web.admission import AdmissionControl
from contentql.web.request_headers import combine_headers
from contentql.web.templates import load_template

PREVIEW_PATH: Final = "/preview/{token}"

PREVIEW_QUERY: Final = """
query Preview($id: ID!) {
  article(id: $id) {
    kicker headline lede byline language status publishedAt unpublishedChanges
    leadMedia { ...Picture caption credit }
    body {
      html
      text
      blocks {
        ... on ImageBlock { media { ...Picture } }
        ... on GalleryBlock { items: media { ...Picture } }
      }
    }
    attributions { claim quote chain { kind source { name describedAs } } }
    corrections { kind correctedAt text }
  }
}
fragment Picture on Media { id kind url alt }
"""


def preview_routes(
    executor: Executor, authenticator: Authenticator, admission: AdmissionControl, observer: RequestObserver
) -> list[BaseRoute]:
    """The routes of the page, with and without a slash at the end."""
    page = _Preview(executor, authenticator, admission, observer)
    return [Route(PREVIEW_PATH, page.get), Route(f"{PREVIEW_PATH}/", page.get)]


class _Preview:
    def __init__(
        self,
        executor: Executor,
        authenticator: Authenticator,
        admission: AdmissionControl,
        observer: RequestObserver,
    ) -> None:
        self._executor = executor
        self._authenticator = authenticator
        self._admission = admission
        self._observer = observer

    async def get(self, request: Request) -> Response:
        journey = self._observer.start(new_request_id(), combine_headers(request.scope["headers"]))
        try:
            token: str = request.path_params["token"]
            try:
                article = await self._article(token, request, journey)
                journey.status, page = 200, _article(article, preview_tokens.preview_token_expiry(token))
            except ApiError as refusal:
                journey.codes = (refusal.code,)
                journey.status, page = _refused(refusal)
            body = page.encode()
            journey.response_bytes = len(body)
            return Response(body, journey.status, {**PREVIEW_HEADERS, "x-request-id": journey.request_id})
        finally:
            self._observer.finish(journey)

    async def _article(self, token: str, request: Request, trace: RequestTrace) -> Mapping[str, Any]:
        """The article of the link. Raises ApiError."""
        visit = self._admission.admit_request(request.scope)
        try:
            await visit.admit()
            # No other token belongs into an address.
            if not token.startswith(preview_tokens.PREVIEW_TOKEN_PREFIX) or not token.isascii():
                raise _nothing()
            address = self._admission.address(request.scope)
            viewer = await self._authenticator.authenticate(f"Bearer {token}", None, address)
            if viewer.shared_article_id is None:
                raise _nothing()
            graphql_request = GraphQLRequest(
                PREVIEW_QUERY, None, {"id": ids.encode_id("article", viewer.shared_article_id)}
            )
            response = await self._executor.execute(
                graphql_request, trace, visit.charge, Actor(viewer, address)
            )
        finally:
            visit.release()
        if response.codes:
            raise ApiError(response.codes[0], ERROR_CODES[response.codes[0]][1])
        article: Mapping[str, Any] | None = orjson.loads(response.body)["data"]["article"]
        if article is None:
            raise _nothing()
        return article


def _nothing() -> ApiError:
    return ApiError("UNAUTHENTICATED", "No preview link of ours.")


# The page


def _article(article: Mapping[str, Any], ends: dt.datetime) -> str:
    parts = [f'<p class="banner" role="note">{_status(article)} This link ends at {_format_time(ends)}.</p>']
    if article["kicker"]:
        parts.append(f'<p class="kicker">{escape(article["kicker"])}</p>')
    parts.append(f"<h1>{escape(article['headline'])}</h1>")
    # Unless an editor wrote a lede, it repeats the beginning of the text, and is left out.
    lede = article["lede"] or ""
    if lede and not article["body"]["text"].startswith(lede.removesuffix("…")):
        parts.append(f'<p class="lede">{escape(lede)}</p>')
    if article["byline"]:
        parts.append(f'<p class="byline">{escape(article["byline"])}</p>')
    parts.append(_lead_image(article["leadMedia"]))
    parts.append(f'<div class="body">{_body(article["body"])}</div>')
    parts.append(_list("Sources", article["attributions"], _source))
    parts.append(_list("Corrections", article["corrections"], _correction))
    return _page(article["headline"], "\n".join(filter(None, parts)), article["language"])


def _status(article: Mapping[str, Any]) -> str:
    status: str = article["status"]
    if article["unpublishedChanges"]:
        return "Preview – changes that are not published."
    if status == "PUBLISHED":
        return "Preview – this article is published."
    result = status.lower().replace("_", " ")
    if status == "SCHEDULED" and article["publishedAt"]:
        result += f" for {_format_time(dt.datetime.fromisoformat(article['publishedAt']))}"
    return f"Preview – not published: {result}."


def _format_time(at: dt.datetime) -> str:
    return f'<time datetime="{format_timestamp(at)}">{at.day} {at:%B} {at.year:04}, {at:%H:%M} UTC</time>'


def _lead_image(media: Mapping[str, Any] | None) -> str:
    visible = _image(media)
    if media is None or not visible:
        return ""
    below = " ".join(escape(media[name]) for name in ("caption", "credit") if media[name])
    return f"<figure>{visible}{f'<figcaption>{below}</figcaption>' if below else ''}</figure>"


def _image(media: Mapping[str, Any] | None) -> str:
    if media is None or media["kind"] != "IMAGE" or not media["url"].startswith("https://"):
        return ""
    return f'<img src="{escape(media["url"])}" alt="{escape(media["alt"] or "")}">'


# As `content/render.py` writes it: media by id, for the page to fill in.
_FIGURE_PATTERN = re.compile(r'<figure (?=[^>]*data-type="(\w+)")(?=[^>]*data-media="([\d ]*)")[^>]*>')


def _body(body: Mapping[str, Any]) -> str:
    """The stored HTML of the body with its images in place; sanitized, as it may be of another program."""
    pictures: dict[str, str] = {}
    for block in body["blocks"]:
        for media in (block.get("media"), *(block.get("items") or ())):
            named = ids.decode_id(media["id"]) if media else None
            if named:
                pictures[str(named[1])] = _image(media)

    def filled(match: re.Match[str]) -> str:
        text = "".join(pictures.get(number, "") for number in match[2].split())
        return f"<figure>{text}" if text else f'<figure class="missing">{match[1].capitalize()}'

    return _FIGURE_PATTERN.sub(filled, sanitize_body(body["html"]))


def _list(title: str, things: list[Any], entry: Callable[[Any], str]) -> str:
    entries = "".join(f"<li>{entry(thing)}</li>" for thing in things)
    return f"<section><h2>{title}</h2><ul>{entries}</ul></section>" if entries else ""


_WORDS: Final[Mapping[str, str]] = {
    "ACCORDING_TO": "according to",
    "REPORTED_BY": "reported by",
    "CITING": "citing",
    "RELEASED_BY": "released by",
    "SAID": "said by",
    "TOLD": "told by",
    "QUOTED": "quoted from",
    "DENIED": "denied by",
    "SEEN_BY": "seen by",
    "PHOTO_CREDIT": "photo by",
    "DATA": "data from",
}


def _source(attribution: Mapping[str, Any]) -> str:
    """The source of an attribution with its chain of relays, and the claim."""
    hops = []
    for hop in attribution["chain"]:
        source = hop["source"]
        name = source["name"] or source["describedAs"] if source else None
        hops.append(f"{_WORDS.get(hop['kind'], 'from')} <b>{escape(name or 'an unnamed source')}</b>")
    way = ", ".join(hops)
    result = f": {escape(attribution['claim'])}" if attribution["claim"] else ""
    quote = f" <q>{escape(attribution['quote'])}</q>" if attribution["quote"] else ""
    return f"{way[:1].upper()}{way[1:]}{result}{quote}"


def _correction(correction: Mapping[str, Any]) -> str:
    at = _format_time(dt.datetime.fromisoformat(correction["correctedAt"]))
    return f"{correction['kind'].capitalize()}, {at}: {escape(correction['text'])}"


def _refused(refusal: ApiError) -> tuple[int, str]:
    """Status and page. The reason why a link is not valid is not disclosed."""
    if refusal.status in (401, 403, 404, 422):
        return 404, _message(
            "This link shows nothing",
            "It has ended, was not copied whole, or the article is gone. Ask its sender for a new one.",
        )
    if refusal.status == 429:
        return 429, _message("Too much at once", "Wait a minute, and open the link again.")
    return refusal.status, _message("Not just now", "The preview cannot be shown. Try again in a moment.")


def _message(title: str, text: str) -> str:
    return _page(title, f"<h1>{title}</h1>\n<p>{text}</p>", "en")


_STYLE = load_template("preview.css").template
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

PREVIEW_HEADERS: Final = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "private, no-store",
    "content-security-policy": "; ".join((
        "default-src 'none'",
        "img-src https: data:",  # data: for the icon that there is not
        f"style-src 'sha256-{_STYLE_HASH}'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow",
}  # fmt: skip


def _page(title: str, content: str, language: str) -> str:
    return load_template("preview.html").substitute(
        language=escape(language), title=escape(title), style=_STYLE, content=content
    )
