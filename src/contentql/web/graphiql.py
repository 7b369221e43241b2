"""GraphiQL at /graphiql: the page, its examples and all its files, served from the package.

The page loads nothing from other hosts; its content security policy forbids it.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from contentql.web.templates import load_template

GRAPHIQL_VERSION = "4.1.2"

# `connect-src` names ws: because Safari does not count a socket to the same host as 'self'. Inline styles
# are CodeMirror's, which places its lines with them.
CONTENT_SECURITY_POLICY = "; ".join((
    "default-src 'self'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    "connect-src 'self' ws: wss:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
))  # fmt: skip

GRAPHIQL_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
}

_IMMUTABLE = "public, max-age=31536000, immutable"
_REVALIDATE = "no-cache"
_NAMES = ("Asia", "Korean")  # words of the examples' titles with a capital of their own
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def graphiql_routes() -> list[BaseRoute]:
    """The routes of the page, with and without a slash at the end, and of its files."""
    return [
        Route("/graphiql", _page),
        Route("/graphiql/", _page),
        Route("/graphiql/static/{path:path}", _static),
    ]


def query_examples() -> dict[str, str]:
    """The queries that open as tabs on a first visit: file name and text, in order."""
    return _texts(_root() / "examples")


def editorial_examples() -> dict[str, str]:
    """The examples of editing, from a draft to a correction; opened from the menu, because they need a
    token."""
    return _texts(_root() / "examples" / "newsdesk")


def _texts(folder: Traversable) -> dict[str, str]:
    results = [file for file in folder.iterdir() if file.is_file()]
    results.sort(key=lambda file: int(file.name.partition("-")[0]))
    return {file.name: file.read_text(encoding="utf-8") for file in results}


@dataclass(frozen=True)
class _File:
    type: str
    body: bytes
    packed: bytes
    etag: str


# Endpoints are plain functions: Starlette runs them in a thread, so that reading and packing a file for
# the first time keeps no answer waiting.


def _page(request: Request) -> Response:
    return _reply(request, _page_file("" if request.url.path.endswith("/") else "graphiql/"), _REVALIDATE)


def _static(request: Request) -> Response:
    path: str = request.path_params["path"]
    if path not in _paths():
        return Response(status_code=404, headers=GRAPHIQL_HEADERS)
    return _reply(
        request, _static_file(path), _IMMUTABLE if path.startswith(f"{GRAPHIQL_VERSION}/") else _REVALIDATE
    )


def _reply(request: Request, file: _File, keep: str) -> Response:
    packed = "gzip" in request.headers.get("accept-encoding", "")
    # Two forms of one thing need two tags.
    etag = f'"{file.etag}-gzip"' if packed else f'"{file.etag}"'
    headers = {**GRAPHIQL_HEADERS, "cache-control": keep, "etag": etag, "vary": "Accept-Encoding"}
    existing = request.headers.get("if-none-match", "")
    if etag in (tag.strip().removeprefix("W/") for tag in existing.split(",")):
        return Response(status_code=304, headers=headers)
    if packed:
        headers["content-encoding"] = "gzip"
    return Response(file.packed if packed else file.body, headers=headers, media_type=file.type)


@cache
def _page_file(before: str) -> _File:
    """The page; `before` is the relative path from its URL to the folder of its files."""
    read, written = query_examples(), editorial_examples()
    templates = "\n".join(
        f'<template class="example" data-name="{escape(name)}"{" data-tab" if name in read else ""}>'
        f"{escape(text, quote=False)}</template>"
        for name, text in (read | written).items()
    )
    page = load_template("graphiql.html").substitute(
        static=f"{before}static",
        version=GRAPHIQL_VERSION,
        read=_entries(read),
        written=_entries(written),
        templates=templates,
    )
    return _file(".html", page.encode())


def _entries(names: Iterable[str]) -> str:
    """Number, title and text of the examples: `2-front-page.graphql` has number 2 and title "Front page"."""
    lines = []
    for name in names:
        number, _, words = name.removesuffix(".graphql").partition("-")
        title = f"{number}. {words[0].upper()}{words[1:].replace('-', ' ')}"
        for word in _NAMES:
            title = title.replace(word.lower(), word)
        lines.append(f'<li><button type="button" value="{escape(name)}">{escape(title)}</button></li>')
    return "\n".join(lines)


@cache
def _static_file(path: str) -> _File:
    place = _root().joinpath(*path.split("/"))
    return _file(path[path.rfind(".") :], place.read_bytes())


def _file(ending: str, body: bytes) -> _File:
    # Everything else is a licence or a list: text, to be read and never run.
    kind = f"{_TYPES.get(ending, 'text/plain')}; charset=utf-8"
    return _File(kind, body, gzip.compress(body, mtime=0), hashlib.sha256(body).hexdigest()[:24])


@cache
def _paths() -> frozenset[str]:
    """All files by URL path. No other path is looked up, so no path can leave the folder."""
    return frozenset(_walk(_root(), ""))


def _walk(folder: Traversable, before: str) -> Iterator[str]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _walk(entry, f"{before}{entry.name}/")
        else:
            yield before + entry.name


def _root() -> Traversable:
    return files("contentql.web").joinpath("static", "graphiql")
