"""The reader's site: its description, what a path leads to, redirects."""

from __future__ import annotations

import strawberry

from contentql.planner.field_plans import Computed
from contentql.schema.administration import Withdrawal
from contentql.schema.fields import column_field, computed, envelope_field, table_type
from contentql.schema.scalars import DateTime
from contentql.schema.values import Node


@strawberry.type(description="Path of the pages of one type on the reader's site.")
class PagePattern:
    type: str = envelope_field("Type of the objects.", '"article"')
    pattern: str = envelope_field("Path, with placeholders for fields.", '"/{section}/{slug}"')


@strawberry.type(description="The reader's site, as the operator has configured it.")
class Site:
    name: str | None = envelope_field("Name of the site; null if unknown.", '"The Port Alder Times"')
    languages: list[str] = envelope_field("Languages of the site, BCP 47.", '["en", "de"]')
    base_url: str | None = envelope_field(
        "Address of the site, without a slash at the end; null if unknown.", '"https://example.org"'
    )
    logo: str | None = envelope_field("URL of the logo; null if unknown.", '"https://example.org/logo.svg"')
    url_patterns: list[PagePattern] = envelope_field("Paths of the pages of each type.")


@strawberry.type(description="Redirect to the page of an object, or to another address.")
class SiteRedirect:
    to: str = envelope_field(
        "Path of the page on the site, or URL.", '"/world/asia/kim-jong-un-sheds-a-tear"'
    )
    status: int = envelope_field("HTTP status: 301, 302, 307 or 308.", "301")


@strawberry.type(
    description="What a path of the reader's site leads to: an object that has its page there, a redirect to"
    " the page that an object has now or to another address, or a notice in place of a withdrawn article."
)
class Resolved:
    node: Node | None = envelope_field(
        "The object; also that which a redirect leads to. Null for a URL and for `gone`."
    )
    redirect: SiteRedirect | None = envelope_field("Redirect; null if the path is that of the object's page.")
    gone: Withdrawal | None = envelope_field("Notice of a withdrawn article, to be shown with status 410.")


_TARGET_ID = (
    "case {row}.target_table when 'article' then 'art' when 'category' then 'cat' when 'tag' then 'tag'"
    " when 'author' then 'aut' when 'source' then 'src' when 'story' then 'sto'"
    " when 'collection' then 'col' end"
    " || '_' || cast({row}.target_id as text)"
)


@table_type("redirect", "A redirect of a path of the reader's site that an editor or an import has created.")
class Redirect(Node):
    id: strawberry.ID = column_field("Global id of the redirect.", '"rdr_6677889900"')
    path: str = column_field("Path that is redirected, in normal form.", '"/2019/05/an-old-page"')
    target_id: strawberry.ID | None = computed(
        "Global id of the object whose page it leads to; null for a URL.",
        '"art_90817263545"',
        Computed(_TARGET_ID, ("target_table", "target_id")),
    )
    target_url: str | None = column_field("URL or path that it leads to; null for an object.", '"/about"')
    status: int = column_field("HTTP status: 301, 302, 307 or 308.", "301")
    created_at: DateTime = column_field("Time at which it was created.", '"2026-06-30T08:00:00Z"')
    created_by: str = column_field("Name of the creator.", '"Jane Doe"')
