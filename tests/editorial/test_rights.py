"""Tokens pass on at most what they have; preview links end with the token that created them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from tests.support.editorial_client import (
    ANNA,
    BOB,
    DAY,
    ERIC,
    HOUR,
    PUBLIC,
    ROOT,
    SECOND,
    EditorialClient,
    mutation_document,
)

from contentql.auth.authenticator import Authenticator
from contentql.auth.permissions import Permission, Role
from contentql.auth.viewer import Actor, Viewer
from contentql.content.timestamps import format_timestamp
from contentql.errors import ApiError
from contentql.settings import Settings
from contentql.store.database import Database

TOKEN = "token { id role scopes expiresAt } secret warnings { code field message }"
LINK = "linkId url token expiresAt revokedAt warnings { code field message }"


async def viewer_of(newsroom: EditorialClient, secret: str) -> Viewer:
    """The viewer of a token, as another server authenticates it."""
    async with Database(newsroom.url) as database:
        authenticator = Authenticator(database, Settings(), now=lambda: newsroom.now)
        return await authenticator.authenticate(f"Bearer {secret}", None, "192.0.2.7")


async def actor_with(newsroom: EditorialClient, role: str = "ADMIN", **input: Any) -> tuple[Actor, str]:
    """An actor with a new token, and the id of the token."""
    payload = await newsroom.mutate_ok("createToken", ROOT, name="Machine", role=role, **input)
    return Actor(await viewer_of(newsroom, payload["secret"])), payload["token"]["id"]


async def is_valid(newsroom: EditorialClient, secret: str) -> bool:
    try:
        await viewer_of(newsroom, secret)
    except ApiError as exc:
        if exc.code != "UNAUTHENTICATED":
            raise
        return False
    return True


# Tokens


@pytest.mark.parametrize(
    ("scopes", "input", "missing"),
    [
        (["ADMIN"], {"role": "EDITOR", "scopes": ["EDIT_ALL"]}, "EDIT_ALL"),
        (["ADMIN"], {"role": "PUBLISHER", "scopes": ["REVIEW", "PUBLISH"]}, "REVIEW, PUBLISH"),
        (["ADMIN"], {"role": "PREVIEWER"}, "READ_ALL_DRAFTS"),
        (["ADMIN", "EDIT_OWN"], {"role": "ADMIN"}, "READ_OWN_DRAFTS, READ_ALL_DRAFTS"),
        (["ADMIN", "EDIT_OWN"], {"role": "ADMIN", "scopes": None}, "READ_OWN_DRAFTS, READ_ALL_DRAFTS"),
        (["ADMIN", "EDIT_OWN"], {"role": "ADMIN", "scopes": ["ADMIN", "EDIT_ALL"]}, "EDIT_ALL"),
    ],
)
async def test_a_token_passes_on_no_permission_that_its_scopes_leave_out(
    newsroom: EditorialClient, scopes: list[str], input: dict[str, Any], missing: str
) -> None:
    """The error names the missing permissions."""
    maker, _ = await actor_with(newsroom, scopes=scopes)
    async with newsroom.unchanged():
        (error,) = await newsroom.mutate_errors("createToken", maker, name="More", **input)
    assert (error["code"], error["field"]) == ("NOT_PERMITTED", ["scopes"])
    assert missing in error["message"]


async def test_a_token_passes_on_the_permissions_of_its_scopes(newsroom: EditorialClient) -> None:
    maker, _ = await actor_with(newsroom, scopes=["ADMIN", "EDIT_ALL"])
    cases: tuple[tuple[dict[str, Any], set[Permission]], ...] = (
        ({"role": "READER"}, set()),
        ({"role": "EDITOR", "scopes": ["EDIT_ALL"]}, {Permission.EDIT_ALL}),
        ({"role": "ADMIN", "scopes": ["ADMIN"]}, {Permission.ADMIN}),
    )
    for input, permissions in cases:
        payload = await newsroom.mutate_ok("createToken", maker, name="Less", selection=TOKEN, **input)
        viewer = await viewer_of(newsroom, payload["secret"])
        assert viewer.permissions == permissions
        assert viewer.role is Role(input["role"])


async def test_an_empty_list_of_scopes_is_an_error(newsroom: EditorialClient) -> None:
    """It means neither no permission nor all of them; without scopes a token has those of its role."""
    for role in Role:
        assert await newsroom.mutate_codes("createToken", ROOT, name="x", role=role.value, scopes=[]) == {
            ("INVALID", "scopes")
        }
    payload = await newsroom.mutate_ok("createToken", ROOT, name="x", role="EDITOR", selection=TOKEN)
    assert (await viewer_of(newsroom, payload["secret"])).permissions == ERIC.viewer.permissions


async def test_a_token_makes_no_token_that_lives_longer(newsroom: EditorialClient) -> None:
    """By default the new token expires with it, and a warning says so."""
    ends = format_timestamp(newsroom.now + DAY)
    maker, _ = await actor_with(newsroom, expiresAt=ends)
    codes = await newsroom.mutate_codes(
        "createToken", maker, name="x", role="READER", expiresAt=format_timestamp(newsroom.now + 2 * DAY)
    )
    assert codes == {("INVALID_TIME", "expiresAt")}
    sooner = format_timestamp(newsroom.now + HOUR)
    for input, expected, warnings in (
        ({"expiresAt": sooner}, sooner, []),
        ({"expiresAt": ends}, ends, []),
        ({"expiresAt": None}, ends, ["GUESSED"]),
        ({}, ends, ["GUESSED"]),
    ):
        payload = await newsroom.mutate_ok(
            "createToken", maker, name="x", role="READER", selection=TOKEN, **input
        )
        assert payload["token"]["expiresAt"] == expected
        assert [warning["code"] for warning in payload["warnings"]] == warnings


async def test_missing_permissions_are_named(newsroom: EditorialClient) -> None:
    """Whether the role or the scopes lack the permission."""
    scoped, _ = await actor_with(newsroom, scopes=["EDIT_OWN"])
    for actor, cause in (
        (scoped, "scopes of your token"),
        (BOB, "roles with the permission: PUBLISHER, ADMIN"),
    ):
        response = await newsroom.execute(mutation_document("publishArticle"), actor, input={"id": "art_701"})
        (error,) = response["errors"]
        assert error["extensions"]["code"] == "FORBIDDEN"
        assert "PUBLISH, which your token does not have" in error["message"]
        assert cause in error["extensions"]["hint"]
    response = await newsroom.execute("{ auditLog { totalCount } }", scoped)
    assert "permission ADMIN" in response["errors"][0]["message"]


# Preview links


async def test_a_preview_link_shows_one_draft(newsroom: EditorialClient) -> None:
    """Without permissions, and with an optional preview time."""
    id = await newsroom.create_draft()
    link = await newsroom.mutate_ok("createPreviewLink", selection=LINK, id=id)
    viewer = await viewer_of(newsroom, link["token"])
    assert (viewer.name, viewer.role, viewer.account) == ("Preview link", Role.READER, None)
    assert (viewer.permissions, viewer.is_public) == (frozenset(), False)
    assert viewer.visibility.articles == "linked"
    data = await newsroom.query("query($i: ID!) { article(id: $i) { id } }", Actor(viewer), i=id)
    assert data["article"] == {"id": id}
    authenticator = Authenticator(newsroom.database, Settings(), now=lambda: newsroom.now)
    later = await authenticator.authenticate(f"Bearer {link['token']}", "2027-01-01T00:00:00Z", "203.0.113.9")
    assert later.preview_at == dt.datetime(2027, 1, 1, tzinfo=dt.UTC)


async def test_a_preview_link_can_be_revoked(newsroom: EditorialClient) -> None:
    """By its id or its token, with effect on every server; other links of the article stay."""
    id = await newsroom.create_draft()
    links = [await newsroom.mutate_ok("createPreviewLink", selection=LINK, id=id) for _ in range(3)]
    assert len({link["token"] for link in links}) == 3
    for link, name in zip(links, ("linkId", "token"), strict=False):
        await newsroom.mutate_ok("revokePreviewLink", id=link[name], validateOnly=True)
        assert await is_valid(newsroom, link["token"])
        payload = await newsroom.mutate_ok("revokePreviewLink", selection=LINK, id=link[name])
        assert (payload["linkId"], payload["revokedAt"]) == (link["linkId"], format_timestamp(newsroom.now))
        assert (payload["url"], payload["token"]) == (None, None)
        assert not await is_valid(newsroom, link["token"])
        assert await newsroom.mutate_codes("revokePreviewLink", id=link[name]) == {
            ("INVALID_TRANSITION", "id")
        }
    assert await is_valid(newsroom, links[2]["token"])


async def test_preview_links_are_revoked_by_those_who_could_create_them(newsroom: EditorialClient) -> None:
    """For others the link does not exist."""
    link = await newsroom.mutate_ok("createPreviewLink", selection=LINK, id=await newsroom.create_draft())
    for id in (link["linkId"], link["token"], "prv_1", "cqlp_x", "art_701"):
        codes = await newsroom.mutate_codes("revokePreviewLink", BOB, id=id)
        assert codes <= {("NOT_FOUND", "id"), ("WRONG_TYPE", "id")}
    response = await newsroom.execute(
        mutation_document("revokePreviewLink"), PUBLIC, input={"id": link["linkId"]}
    )
    assert response["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert await is_valid(newsroom, link["token"])
    await newsroom.mutate_ok("revokePreviewLink", ERIC, id=link["linkId"])
    assert not await is_valid(newsroom, link["token"])


async def test_a_preview_link_ends_when_its_token_is_revoked(newsroom: EditorialClient) -> None:
    maker, token_id = await actor_with(newsroom, "EDITOR")
    id = await newsroom.create_draft()
    own = await newsroom.mutate_ok("createPreviewLink", maker, selection="token", id=id)
    other = await newsroom.mutate_ok("createPreviewLink", ANNA, selection="token", id=id)
    assert await is_valid(newsroom, own)
    await newsroom.mutate_ok("revokeToken", ROOT, id=token_id)
    assert not await is_valid(newsroom, own)
    assert await is_valid(newsroom, other)


async def test_a_preview_link_ends_when_its_token_expires(newsroom: EditorialClient) -> None:
    """The payload has the time; a later one is an error."""
    ends = newsroom.now + HOUR
    maker, _ = await actor_with(newsroom, "EDITOR", expiresAt=format_timestamp(ends))
    id = await newsroom.create_draft()
    link = await newsroom.mutate_ok("createPreviewLink", maker, selection=LINK, id=id)
    assert link["expiresAt"] == format_timestamp(ends)
    assert [warning["code"] for warning in link["warnings"]] == ["GUESSED"]
    later = format_timestamp(ends + SECOND)
    assert await newsroom.mutate_codes("createPreviewLink", maker, id=id, expiresAt=later) == {
        ("INVALID_TIME", "expiresAt")
    }
    newsroom.now = ends - SECOND
    assert await is_valid(newsroom, link["token"])
    newsroom.now = ends
    assert not await is_valid(newsroom, link["token"])


async def test_a_preview_link_of_a_viewer_without_api_token_lasts_until_it_expires(
    newsroom: EditorialClient,
) -> None:
    """A viewer of an identity provider has no token in the database."""
    viewer = replace(ANNA.viewer, token_id=None)
    link = await newsroom.mutate_ok(
        "createPreviewLink", Actor(viewer), selection=LINK, id=await newsroom.create_draft()
    )
    newsroom.now += 3 * DAY - SECOND
    assert await is_valid(newsroom, link["token"])
    newsroom.now += SECOND
    assert not await is_valid(newsroom, link["token"])


# Publishing


@pytest.mark.parametrize("place", ["leadMedia", "media", "body"])
async def test_media_whose_licence_has_ended_prevent_publication(
    newsroom: EditorialClient, place: str
) -> None:
    """At the time of publishing, also of a scheduled article; the error names the file and its field."""
    ends = newsroom.now + DAY
    media = await newsroom.mutate_ok(
        "createMedia",
        selection="media { id }",
        kind="IMAGE",
        url=f"https://media.example.org/{place}.jpg",
        alt="A coffin",
        expiresAt=format_timestamp(ends),
    )
    value: Any = {
        "leadMedia": media["id"],
        "media": [{"media": media["id"]}],
        "body": {"blocks": [{"paragraph": {"text": "One."}}, {"image": {"media": media["id"]}}]},
    }[place]
    ids = [await newsroom.create_approved(**{place: value}) for _ in range(2)]
    at = format_timestamp(ends)
    assert await newsroom.mutate_codes("scheduleArticle", id=ids[0], publishAt=at) == {
        ("LICENCE_EXPIRED", place)
    }
    await newsroom.mutate_ok("publishArticle", id=ids[0])
    newsroom.now = ends
    (error,) = await newsroom.mutate_errors("publishArticle", id=ids[1])
    assert (error["code"], error["field"]) == ("LICENCE_EXPIRED", [place])
    assert media["id"] in error["message"]
    assert at in error["message"]


async def test_an_article_that_has_expired_is_not_published(newsroom: EditorialClient) -> None:
    """The error names the time."""
    ends = format_timestamp(newsroom.now)
    id = await newsroom.create_approved(expiresAt=ends)
    (error,) = await newsroom.mutate_errors("publishArticle", id=id)
    assert (error["code"], error["field"]) == ("INVALID_TIME", ["expiresAt"])
    assert ends in error["message"]
