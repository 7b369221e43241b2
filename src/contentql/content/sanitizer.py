"""HTML of others, reduced to text, harmless tags and links with an allowed scheme."""

from __future__ import annotations

import nh3

from contentql.content.links import LINK_SCHEMES

_SCHEMES = set(LINK_SCHEMES)
_BODY_TAGS = nh3.ALLOWED_TAGS | {"section"}
_BODY_ATTRIBUTES = {
    **nh3.ALLOWED_ATTRIBUTES,
    "*": {"id", "lang", "title", "data-type"},
    "figure": {
        "data-media",
        "data-url",
        "data-provider",
        "data-title",
        "data-fallback",
        "data-original-type",
    },
    "section": {"data-key-event", "data-summary", "data-pinned"},
    "blockquote": {"data-attribution"},
    "span": {"data-mention"},
    "code": {"class"},
    "time": {"datetime"},
}


def sanitize_embed(html: str) -> str:
    """Sanitizes the HTML of an embed."""
    return nh3.clean(html, url_schemes=_SCHEMES)


def sanitize_body(html: str) -> str:
    """Sanitizes a stored body, as `render.render_html` writes it."""
    return nh3.clean(html, tags=_BODY_TAGS, attributes=_BODY_ATTRIBUTES, url_schemes=_SCHEMES)
