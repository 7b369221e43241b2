"""Redirects of the reader's site: create, delete."""

from __future__ import annotations

from typing import Any

from contentql.content import ids
from contentql.content.links import require_link
from contentql.editorial.context import MODELS_BY_TABLE, EditContext, Input, WriteResult
from contentql.editorial.user_errors import UserErrorCode, user_error
from contentql.store.models.articles import Article
from contentql.store.models.redirects import Redirect
from contentql.url_patterns import DEFAULT_PATTERNS, Site

STATUSES = (301, 302, 307, 308)
MAX_URL_LENGTH = 2_000  # characters


async def create_redirect(context: EditContext, input: Input) -> WriteResult:
    """Creates a redirect of a path to an object, or to another path or URL.

    A path that leads to an object is stored as that object, so that the redirect follows its renames and is
    hidden with it. Raises UserErrors.
    """
    path = _path(context.site, input["path"])
    if await Redirect.filter(path=path).exists():
        raise user_error(
            UserErrorCode.TAKEN,
            f"The path {path} is redirected already.",
            "path",
            "Delete that redirect first.",
        )
    status = input.get("status") or STATUSES[0]
    if status not in STATUSES:
        raise user_error(
            UserErrorCode.INVALID,
            f"{status} is no status of a redirect.",
            "status",
            "Use 301, 302, 307 or 308.",
        )
    values = await _target(context, input, path)
    row = await Redirect.create(
        path=path, status=status, created_at=context.now, created_by=context.name, **values
    )
    return WriteResult("redirect", row.id)


async def delete_redirect(context: EditContext, input: Input) -> WriteResult:
    row = await context.get_row("redirect", input["id"], hold=True)
    await row.delete()
    return WriteResult("redirect", row.id)


def _path(site: Site, text: str) -> str:
    """The path in normal form, with its query. Raises UserErrors."""
    path = site.split_address(text)[1] if text.strip() else ""
    if not path or path == "/":
        raise user_error(
            UserErrorCode.INVALID, f"{text[:100]!r} is no path of a page of this site.", "path",
            "Send the part of the address after the host, such as /2019/05/an-old-page.",
        )  # fmt: skip
    return path


async def _target(context: EditContext, input: Input, path: str) -> dict[str, Any]:
    target, url = input.get("target"), input.get("url")
    if (target is None) == (url is None):
        raise user_error(
            UserErrorCode.REQUIRED, "A redirect leads to an object or to a URL.", "target",
            "Send either `target`, a global id, or `url`.",
        )  # fmt: skip
    if target is not None:
        decoded = ids.decode_id(target)
        table = decoded[0] if decoded and decoded[0] in DEFAULT_PATTERNS else ""
        if not table:
            raise user_error(
                UserErrorCode.WRONG_TYPE, f"{target} is no id of an object with a page.", "target",
                f"Objects with pages are of the types {', '.join(DEFAULT_PATTERNS)}.",
            )  # fmt: skip
        row = await context.get_row(table, target, "target")
        return {"target_table": table, "target_id": row.id}
    if len(str(url)) > MAX_URL_LENGTH:
        raise user_error(
            UserErrorCode.TOO_LONG,
            f"url has {len(str(url)):,} characters; {MAX_URL_LENGTH:,} are allowed.",
            "url",
            "Send a shorter address.",
        )
    try:
        if not url:
            raise ValueError("a link must not be empty")
        address = require_link(url)
    except ValueError as exc:
        raise user_error(
            UserErrorCode.INVALID, f"The URL is not valid: {exc}.", "url", "Send an address such as /about."
        ) from None
    own_path, own_address = context.site.split_address(address)
    if own_address == path:
        raise user_error(
            UserErrorCode.INVALID, "The redirect leads to itself.", "url", "Send the address of another page."
        )
    return await _object_at(context.site, own_path) or {"target_url": own_address or address}


async def _object_at(site: Site, path: str) -> dict[str, Any] | None:
    """The object, visible or not, whose name is in the path by a pattern of the site."""
    for pattern in site.patterns:
        values = pattern.match(path) if path else None
        if values is None:
            continue
        names: dict[str, Any] = {
            name: value for name, value in values.items() if name in ("slug", "path", "language")
        }
        model: Any = MODELS_BY_TABLE[pattern.type]
        rows = (
            model.filter(**names) if names else model.filter(id=(ids.decode_id(values["id"]) or ("", 0))[1])
        )
        if model is Article:
            rows = rows.filter(working_of=0)
        row = await rows.order_by("id").first()
        if row is not None:
            return {"target_table": pattern.type, "target_id": row.id}
    return None
