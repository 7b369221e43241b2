"""Scheduled changes of published articles: visible at their second, never before, and cancellable."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import replace
from typing import Any

import pytest
from tests.conftest import NOW, Server
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
)

from contentql.app import build_executor
from contentql.auth.viewer import Actor, Viewer
from contentql.content.timestamps import format_timestamp
from contentql.editorial.scheduling import MIN_LEAD
from contentql.errors import ApiError
from contentql.formats import jsonl
from contentql.importing.exporter import export_everything
from contentql.importing.importer import import_records
from contentql.settings import Settings
from contentql.store.database import Database

ARTICLE = """query($i: ID!) { article(id: $i) {
  id slug headline kicker status version updatedAt publishedAt unpublishedChanges
  body { text } tags { slug } corrections { text }
  attributions { id source { slug } }
  scheduledChanges { id publishAt version minor scheduledBy scheduledAt reason }
} }"""


async def read(newsroom: EditorialClient, id: str, actor: Actor = PUBLIC) -> Any:
    return (await newsroom.query(ARTICLE, actor, i=id))["article"]


async def headline(newsroom: EditorialClient, id: str, actor: Actor = PUBLIC) -> str:
    return str((await read(newsroom, id, actor))["headline"])


async def schedule(
    newsroom: EditorialClient,
    id: str,
    at: dt.datetime,
    *,
    options: dict[str, Any] | None = None,
    **input: Any,
) -> Any:
    """Changes a published article and schedules the change; returns it."""
    await newsroom.mutate_ok("updateArticle", id=id, **input)
    for transition in ("submitArticle", "approveArticle"):
        await newsroom.mutate_ok(transition, id=id)
    await newsroom.mutate_ok("scheduleArticle", id=id, publishAt=format_timestamp(at), **options or {})
    return (await read(newsroom, id, ANNA))["scheduledChanges"][-1]


async def audit_log(newsroom: EditorialClient, id: str) -> list[dict[str, Any]]:
    """The entries of an article, the newest first."""
    data = await newsroom.query(
        "{ auditLog(first: 100) { nodes"
        " { occurredAt action account role targetId versionBefore versionAfter reason } } }",
        ROOT,
    )
    return [entry for entry in data["auditLog"]["nodes"] if entry["targetId"] == id]


async def test_changes_become_public_at_their_second(newsroom: EditorialClient) -> None:
    """With slug, text, tags and attributions; until one second before, nothing changes."""
    id = await newsroom.create_published(headline="Before")
    await newsroom.mutate_ok(
        "updateArticle", id=id, slug="after-noon", tags=[{"tag": "tears"}], body={"text": "Zebra, by KCTV."}
    )
    attribution = await newsroom.mutate_ok(
        "addAttribution", article=id, kind="CITING", source="kctv", selection="attribution { id }"
    )
    before = await read(newsroom, id)
    at = NOW + HOUR
    change = await schedule(newsroom, id, at, headline="After", options={"reason": "Embargo"})
    assert change == {
        "id": change["id"],
        "publishAt": format_timestamp(at),
        "version": change["version"],
        "minor": False,
        "scheduledBy": "Anna",
        "scheduledAt": format_timestamp(NOW),
        "reason": "Embargo",
    }
    for now in (NOW, at - SECOND):
        newsroom.now = now
        assert await read(newsroom, id) == before
    newsroom.now = at
    after = await read(newsroom, id)
    assert (after["headline"], after["slug"]) == ("After", "after-noon")
    assert after["body"]["text"] == "Zebra, by KCTV."
    assert after["tags"] == [{"slug": "tears"}]
    assert after["attributions"] == [{"id": attribution["id"], "source": {"slug": "kctv"}}]
    assert after["publishedAt"] == before["publishedAt"]
    assert after["updatedAt"] == format_timestamp(at)
    results = await newsroom.query(
        'query($s: String!) { article(slug: $s) { id } articles(search: "zebra") { nodes { id } } }',
        s=before["slug"],
    )
    assert results["article"] == {"id": id}
    assert {"id": id} in results["articles"]["nodes"]
    own = await read(newsroom, id, ANNA)
    assert (own["unpublishedChanges"], own["scheduledChanges"], own["status"]) == (False, [], "PUBLISHED")


async def test_publication_at_the_time_is_recorded_like_one_by_hand(newsroom: EditorialClient) -> None:
    """By the account that scheduled it, at the due time, however late the first request comes."""
    id = await newsroom.create_published()
    await schedule(newsroom, id, NOW + HOUR, headline="Later", options={"reason": "Embargo"})
    newsroom.now = NOW + DAY
    data = await newsroom.query(
        "query($i: ID!) { article(id: $i) { version updatedAt"
        " revisions(first: 2) { nodes { version savedAt savedBy action reason } } } }",
        ANNA,
        i=id,
    )
    article, due = data["article"], format_timestamp(NOW + HOUR)
    latest, earlier = article["revisions"]["nodes"]
    assert latest == {
        "version": article["version"], "savedAt": due, "savedBy": "Anna", "action": "PUBLISHED",
        "reason": "Embargo",
    }  # fmt: skip
    assert (earlier["action"], article["updatedAt"]) == ("SCHEDULED", due)
    entry, scheduling = (await audit_log(newsroom, id))[:2]
    assert entry == {
        "occurredAt": due, "action": "publishArticle", "account": "anna", "role": "PUBLISHER",
        "targetId": id, "versionBefore": earlier["version"], "versionAfter": latest["version"],
        "reason": "Embargo",
    }  # fmt: skip
    assert scheduling["action"] == "scheduleArticle"


async def test_minor_changes_keep_the_time_of_the_update(newsroom: EditorialClient) -> None:
    id = await newsroom.create_published()
    before = await read(newsroom, id)
    await schedule(newsroom, id, NOW + HOUR, headline="Minor", options={"minor": True})
    newsroom.now = NOW + HOUR
    after = await read(newsroom, id)
    assert (after["headline"], after["updatedAt"]) == ("Minor", before["updatedAt"])


async def test_several_changes_are_published_in_order(newsroom: EditorialClient) -> None:
    """Each with its own content; later edits stay in the working copy until they are published."""
    id = await newsroom.create_published(headline="Zero")
    for number, name in enumerate(("One", "Two", "Three"), start=1):
        await schedule(newsroom, id, NOW + number * HOUR, headline=name)
    await newsroom.mutate_ok("updateArticle", id=id, kicker="Four")
    own = await read(newsroom, id, ANNA)
    assert [change["publishAt"] for change in own["scheduledChanges"]] == [
        format_timestamp(NOW + number * HOUR) for number in (1, 2, 3)
    ]
    assert (own["headline"], own["kicker"], own["status"]) == ("Three", "Four", "DRAFT")
    for number, name in enumerate(("One", "Two", "Three"), start=1):
        newsroom.now = NOW + number * HOUR - SECOND
        assert await headline(newsroom, id) != name
        newsroom.now = NOW + number * HOUR
        assert await headline(newsroom, id) == name
        own = await read(newsroom, id, ANNA)
        assert (own["kicker"], own["unpublishedChanges"]) == ("Four", True)
    await newsroom.republish(id)
    article = await read(newsroom, id)
    assert (article["headline"], article["kicker"]) == ("Three", "Four")


async def test_several_changes_that_are_overdue_are_published_in_order(newsroom: EditorialClient) -> None:
    """Also if the first request comes after all of their times; and two of the same second."""
    id = await newsroom.create_published(headline="Zero")
    for at, name in ((1, "One"), (2, "Two"), (2, "Three")):
        await schedule(newsroom, id, NOW + at * HOUR, headline=name)
    newsroom.now = NOW + DAY
    assert await headline(newsroom, id) == "Three"
    data = await newsroom.query(
        "query($i: ID!) { article(id: $i) { unpublishedChanges revisions(first: 3)"
        " { nodes { headline savedAt } } } }",
        ANNA,
        i=id,
    )
    assert data["article"]["unpublishedChanges"] is False
    assert [(node["headline"], node["savedAt"]) for node in data["article"]["revisions"]["nodes"]] == [
        ("Three", format_timestamp(NOW + 2 * HOUR)),
        ("Two", format_timestamp(NOW + 2 * HOUR)),
        ("One", format_timestamp(NOW + HOUR)),
    ]


async def test_changes_are_not_published_before_one_that_they_contain(newsroom: EditorialClient) -> None:
    """Neither by an earlier time nor by publishArticle; the working copy continues from the scheduled one."""
    id = await newsroom.create_published(headline="Zero")
    change = await schedule(newsroom, id, NOW + 2 * HOUR, headline="Secret")
    await newsroom.mutate_ok("updateArticle", id=id, kicker="Harmless")
    for transition in ("submitArticle", "approveArticle"):
        await newsroom.mutate_ok(transition, id=id)
    async with newsroom.unchanged():
        for name, input in (
            ("scheduleArticle", {"publishAt": format_timestamp(NOW + HOUR)}),
            ("publishArticle", {}),
        ):
            (error,) = await newsroom.mutate_errors(name, id=id, **input)
            assert format_timestamp(NOW + 2 * HOUR) in error["message"]
    await newsroom.mutate_ok("cancelScheduledChange", id=change["id"])
    await newsroom.mutate_ok("publishArticle", id=id)
    article = await read(newsroom, id)
    assert (article["headline"], article["kicker"]) == ("Secret", "Harmless")


async def test_a_scheduled_change_can_be_published_now_or_at_another_time(newsroom: EditorialClient) -> None:
    ids = [await newsroom.create_published(headline="Zero") for _ in range(2)]
    for id in ids:
        await schedule(newsroom, id, NOW + HOUR, headline="One")
    payload = await newsroom.mutate_ok(
        "publishArticle", id=ids[0], selection="article { headline } warnings { code message }"
    )
    assert payload["article"] == {"headline": "One"}
    assert [warning["code"] for warning in payload["warnings"]] == ["CHANGED"]
    assert (await read(newsroom, ids[0], ANNA))["scheduledChanges"] == []
    await newsroom.mutate_ok("scheduleArticle", id=ids[1], publishAt=format_timestamp(NOW + 3 * HOUR))
    (change,) = (await read(newsroom, ids[1], ANNA))["scheduledChanges"]
    assert change["publishAt"] == format_timestamp(NOW + 3 * HOUR)
    newsroom.now = NOW + 2 * HOUR
    assert await headline(newsroom, ids[1]) == "Zero"
    newsroom.now = NOW + 3 * HOUR
    assert await headline(newsroom, ids[1]) == "One"


async def test_times_must_be_some_seconds_ahead(newsroom: EditorialClient) -> None:
    """So that every server reads the time of a change before it is due."""
    id = await newsroom.create_published()
    await newsroom.mutate_ok("updateArticle", id=id, headline="Soon")
    assert await newsroom.mutate_codes("scheduleArticle", id=id, publishAt=format_timestamp(NOW + DAY)) == {
        ("INVALID_TRANSITION", "id")
    }
    for transition in ("submitArticle", "approveArticle"):
        await newsroom.mutate_ok(transition, id=id)
    for at in (NOW, NOW + MIN_LEAD - SECOND):
        assert await newsroom.mutate_codes("scheduleArticle", id=id, publishAt=format_timestamp(at)) == {
            ("INVALID_TIME", "publishAt")
        }
    await newsroom.mutate_ok("scheduleArticle", id=id, publishAt=format_timestamp(NOW + MIN_LEAD))
    newsroom.now = NOW + MIN_LEAD
    assert await headline(newsroom, id) == "Soon"


async def test_cancelled_changes_stay_in_the_working_copy(newsroom: EditorialClient) -> None:
    """A later change that contains a cancelled one stays scheduled, with a warning."""
    id = await newsroom.create_published(headline="Zero")
    changes = [
        await schedule(newsroom, id, NOW + number * HOUR, headline=f"Change {number}") for number in (1, 2)
    ]
    payload = await newsroom.mutate_ok(
        "cancelScheduledChange",
        id=changes[0]["id"],
        selection="article { headline scheduledChanges { id } } warnings { code place }",
    )
    assert payload["article"] == {"headline": "Change 2", "scheduledChanges": [{"id": changes[1]["id"]}]}
    assert payload["warnings"] == [{"code": "CHANGED", "place": changes[1]["id"]}]
    assert await newsroom.mutate_codes("cancelScheduledChange", id=changes[0]["id"]) == {("NOT_FOUND", "id")}
    newsroom.now = NOW + HOUR
    assert await headline(newsroom, id) == "Zero"
    await newsroom.mutate_ok("cancelScheduledChange", id=changes[1]["id"])
    newsroom.now = NOW + DAY
    assert await headline(newsroom, id) == "Zero"
    own = await read(newsroom, id, ANNA)
    assert (own["headline"], own["status"], own["scheduledChanges"]) == ("Change 2", "APPROVED", [])
    await newsroom.mutate_ok("publishArticle", id=id)
    assert await headline(newsroom, id) == "Change 2"
    newest = (await audit_log(newsroom, id))[1]
    assert (newest["action"], newest["account"]) == ("cancelScheduledChange", "anna")


async def test_discarding_the_working_copy_cancels_the_change_that_it_is(newsroom: EditorialClient) -> None:
    """Edits after a scheduled change are discarded first; then the last change, and then the one before."""
    id = await newsroom.create_published(headline="Zero")
    for number in (1, 2):
        await schedule(newsroom, id, NOW + number * HOUR, headline=f"Change {number}")
    await newsroom.mutate_ok("updateArticle", id=id, headline="Edited")
    for expected, left in (("Change 2", 2), ("Change 1", 1)):
        await newsroom.mutate_ok("discardWorkingCopy", id=id)
        own = await read(newsroom, id, ANNA)
        assert (own["headline"], len(own["scheduledChanges"])) == (expected, left)
    await newsroom.mutate_ok("updateArticle", id=id, kicker="After the first")
    newsroom.now = NOW + DAY
    assert await headline(newsroom, id) == "Change 1"
    assert (await read(newsroom, id, ANNA))["kicker"] == "After the first"
    newsroom.now = NOW
    other = await newsroom.create_published(headline="Zero")
    await schedule(newsroom, other, NOW + HOUR, headline="Never")
    assert await newsroom.mutate_codes("discardWorkingCopy", ERIC, id=other) == {("INVALID_TRANSITION", "id")}
    await newsroom.mutate_ok("discardWorkingCopy", id=other)
    newsroom.now = NOW + DAY
    own = await read(newsroom, other, ANNA)
    assert (own["headline"], own["unpublishedChanges"]) == ("Zero", False)


async def test_scheduled_changes_are_not_returned_to_their_author(newsroom: EditorialClient) -> None:
    id = await newsroom.create_published()
    change = await schedule(newsroom, id, NOW + HOUR, headline="One")
    assert await newsroom.mutate_codes("returnArticle", id=id) == {("INVALID_TRANSITION", "id")}
    await newsroom.mutate_ok("cancelScheduledChange", id=change["id"])
    await newsroom.mutate_ok("returnArticle", id=id)


async def test_corrections_reach_scheduled_changes(newsroom: EditorialClient) -> None:
    """So that a corrected error does not come back; a change without the words is named in a warning."""
    id = await newsroom.create_published(body={"text": "Kim wept in 2023.\nHe left."})
    await schedule(newsroom, id, NOW + HOUR, headline="One")
    await schedule(newsroom, id, NOW + 2 * HOUR, body={"text": "Kim did not weep."})
    await schedule(newsroom, id, NOW + 3 * HOUR, body={"text": "Kim wept in 2023.\nHe came back."})
    payload = await newsroom.mutate_ok(
        "correctArticle", id=id, kind="CORRECTION", text="It was 2024.", before="in 2023", after="in 2024",
        selection="warnings { code message }",
    )  # fmt: skip
    (warning,) = payload
    assert warning["code"] == "DROPPED"
    assert format_timestamp(NOW + 2 * HOUR) in warning["message"]
    expected = ("Kim wept in 2024.\n\nHe left.", "Kim did not weep.", "Kim wept in 2024.\n\nHe came back.")
    for number, text in enumerate(expected, start=1):
        newsroom.now = NOW + number * HOUR
        article = await read(newsroom, id)
        assert article["body"]["text"].split() == text.split()
        assert article["corrections"] == [{"text": "It was 2024."}]
    assert (await read(newsroom, id, ANNA))["unpublishedChanges"] is False


async def assert_not_published(
    newsroom: EditorialClient, id: str, at: dt.datetime, expected: str, reason: str
) -> None:
    """The article stays, the change is in the working copy, and the audit log has the reason."""
    newsroom.now = at
    assert await headline(newsroom, id) == "Zero"
    own = await read(newsroom, id, ANNA)
    assert (own["headline"], own["scheduledChanges"], own["unpublishedChanges"]) == (expected, [], True)
    entry = (await audit_log(newsroom, id))[0]
    assert (entry["action"], entry["account"]) == ("cancelScheduledChange", "anna")
    assert entry["occurredAt"] == format_timestamp(at)
    assert reason in entry["reason"]


async def test_changes_that_cannot_be_published_stay_in_the_working_copy(newsroom: EditorialClient) -> None:
    """If a licence has ended, a slug was taken or a tag was deleted meanwhile; others are published."""
    at = NOW + HOUR
    licensed = await newsroom.create_published(headline="Zero")
    media = await newsroom.mutate_ok(
        "createMedia", url="https://media.example.org/c.jpg", kind="IMAGE", mime="image/jpeg", alt="C"
    )
    await schedule(newsroom, licensed, at, headline="Licensed", leadMedia=media["id"])
    await newsroom.mutate_ok("updateMedia", id=media["id"], expiresAt=format_timestamp(at - SECOND))
    tag = await newsroom.mutate_ok("createTag", type="TOPIC", name="Gone")
    tagged = await newsroom.create_published(headline="Zero")
    await schedule(newsroom, tagged, at, headline="Tagged", tags=[{"tag": "TOPIC:gone"}])
    await newsroom.mutate_ok("updateArticle", id=tagged, tags=[])
    await newsroom.mutate_ok("deleteTag", id=tag["id"])
    renamed = await newsroom.create_published(headline="Zero")
    await schedule(newsroom, renamed, at, headline="Renamed", slug="wanted-by-two")
    await newsroom.mutate_ok("updateArticle", id=renamed, slug="another-one")
    await newsroom.create_published(slug="wanted-by-two")
    good = await newsroom.create_published(headline="Zero")
    await schedule(newsroom, good, at, headline="Good")
    await assert_not_published(newsroom, licensed, at, "Licensed", "licence of the media file")
    await assert_not_published(newsroom, tagged, at, "Tagged", "'TOPIC:gone' no longer exists")
    await assert_not_published(newsroom, renamed, at, "Renamed", "'wanted-by-two' is not available")
    assert await headline(newsroom, good) == "Good"


@pytest.mark.parametrize(
    ("mutation", "input"),
    [
        ("unpublishArticle", {}),
        ("withdrawArticle", {"notice": "Wrong."}),
        ("archiveArticle", {}),
        ("deleteArticle", {}),
    ],
)
async def test_changes_of_articles_that_are_taken_back_are_cancelled(
    newsroom: EditorialClient, mutation: str, input: dict[str, Any]
) -> None:
    """With a warning; the content of the change stays in the article, which is not public."""
    id = await newsroom.create_published(headline="Zero")
    await schedule(newsroom, id, NOW + HOUR, headline="One")
    selection = "warnings { code message }"
    (warning,) = await newsroom.mutate_ok(mutation, id=id, selection=selection, **input)
    assert warning["code"] == "CHANGED"
    assert format_timestamp(NOW + HOUR) in warning["message"]
    newsroom.now = NOW + DAY
    assert await read(newsroom, id) is None
    if mutation in ("withdrawArticle", "archiveArticle", "deleteArticle"):
        await newsroom.mutate_ok("restoreArticle", id=id)
    own = await read(newsroom, id, ANNA)
    assert (own["headline"], own["scheduledChanges"]) == ("One", [])


async def test_only_staff_see_scheduled_changes(newsroom: EditorialClient) -> None:
    """The public and other authors see none, and cannot cancel one."""
    id = await newsroom.create_published(headline="Zero")
    change = await schedule(newsroom, id, NOW + HOUR, headline="One")
    node = "query($i: ID!) { node(id: $i) { id } }"
    for actor in (PUBLIC, BOB):
        assert (await read(newsroom, id, actor))["scheduledChanges"] == []
        assert (await newsroom.query(node, actor, i=change["id"]))["node"] is None
    assert (await newsroom.query(node, ERIC, i=change["id"]))["node"] == {"id": change["id"]}
    response = await newsroom.execute(
        "mutation($i: ID!) { cancelScheduledChange(input: {id: $i}) { userErrors { code } } }",
        ERIC,
        i=change["id"],
    )
    assert response["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    async with newsroom.unchanged():
        await newsroom.mutate_ok("cancelScheduledChange", id=change["id"], validateOnly=True)


# Previews


def at_time(actor: Actor, at: dt.datetime) -> Actor:
    return replace(actor, viewer=replace(actor.viewer, preview_at=at))


async def test_previews_show_changes_at_their_time(newsroom: EditorialClient) -> None:
    """To staff and by a preview link of the article; nothing is saved, and other articles stay hidden."""
    id = await newsroom.create_published(headline="Zero")
    for number in (1, 2):
        await schedule(newsroom, id, NOW + number * HOUR, headline=f"Change {number}")
    link = Actor(Viewer(shared_article_id=int(id.removeprefix("art_"))))
    other_link = Actor(Viewer(shared_article_id=701))
    for at, expected in (
        (NOW, "Zero"),
        (NOW + HOUR - SECOND, "Zero"),
        (NOW + HOUR, "Change 1"),
        (NOW + 2 * HOUR - SECOND, "Change 1"),
        (NOW + 2 * HOUR, "Change 2"),
    ):
        async with newsroom.unchanged():
            for actor in (ANNA, link):
                assert await headline(newsroom, id, at_time(actor, at)) == expected
            for actor in (other_link, BOB):
                assert await headline(newsroom, id, at_time(actor, at)) == "Zero"
    assert await headline(newsroom, id) == "Zero"


async def test_previews_leave_out_changes_that_could_not_be_published(newsroom: EditorialClient) -> None:
    id = await newsroom.create_published(headline="Zero")
    await schedule(newsroom, id, NOW + HOUR, headline="One", slug="also-wanted")
    await newsroom.mutate_ok("updateArticle", id=id, slug="another", kicker="Draft")
    await newsroom.create_published(slug="also-wanted")
    good = await newsroom.create_published(headline="Zero")
    await schedule(newsroom, good, NOW + 2 * HOUR, headline="Good")
    actor = at_time(ANNA, NOW + DAY)
    assert (await read(newsroom, id, actor))["kicker"] == "Draft"
    assert await headline(newsroom, good, actor) == "Good"


# Servers, and commands


async def test_a_failed_publication_is_logged_and_repeated(
    newsroom: EditorialClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Readers see the published text meanwhile."""
    id = await newsroom.create_published(headline="Zero")
    await schedule(newsroom, id, NOW + HOUR, headline="One")
    stats = newsroom.executor.due_changes.stats
    failures = stats.failures

    def refuse(*_: object) -> None:
        raise ApiError("DATABASE_UNAVAILABLE", "The database does not accept writes.")

    newsroom.now = NOW + HOUR
    with monkeypatch.context() as patch:
        patch.setattr(newsroom.database, "transaction", refuse)
        assert await headline(newsroom, id) == "Zero"
    assert (stats.failures, stats.is_overdue) == (failures + 1, True)
    assert "could not be published" in caplog.text
    newsroom.executor.due_changes._backoff._until = 0.0
    assert await headline(newsroom, id) == "One"
    assert stats.is_overdue is False


async def test_complete_exports_have_scheduled_changes(own_newsroom: EditorialClient, server: Server) -> None:
    """They are published at their time in the database of the import."""
    newsroom = own_newsroom
    id = await newsroom.create_published(headline="Zero")
    await schedule(newsroom, id, NOW + HOUR, headline="One", options={"reason": "Embargo"})
    records = [record async for record in export_everything(Database(newsroom.url))]
    lines = b"".join(jsonl.write_records(records))
    url = await server.migrated()
    report = await import_records(Database(url), jsonl.read_records(io.BytesIO(lines), "x"), now=NOW)
    assert not [outcome for outcome in report.outcomes if outcome.result == "failed"]
    assert lines.count(b'"record":"scheduledChange"') == 1
    async with Database(url) as database:
        executor = build_executor(Settings(database_url=url), database)
        copy = EditorialClient(executor, server, url, now=NOW + HOUR - SECOND)
        executor.now = lambda: copy.now
        assert await headline(copy, id) == "Zero"
        again = b"".join(jsonl.write_records([record async for record in export_everything(Database(url))]))
        copy.now = NOW + HOUR
        assert await headline(copy, id) == "One"
    assert again == lines
    await server.drop(url)
