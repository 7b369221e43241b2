"""JSON-LD of the articles in a response."""

from __future__ import annotations

from functools import partial

from contentql.formats.article_document import FeedInfo
from contentql.formats.pages.jsonld import json_ld
from contentql.planner.json_ld import complete_json_ld
from contentql.planner.plan import Plan
from contentql.url_patterns import Site


def with_json_ld(data: bytes, plan: Plan, site: Site) -> bytes:
    """The JSON of a plan's result, without markers, with the JSON-LD of its articles in place."""
    return complete_json_ld(data, partial(json_ld, feed=publisher(site))) if plan.has_json_ld else data


def publisher(site: Site) -> FeedInfo:
    """What JSON-LD names as the publisher: the reader's site."""
    return FeedInfo(site=site.name, site_url=site.base_url, logo=site.logo)
