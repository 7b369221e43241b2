"""Receivers that fail, hang, lie or are not to be reached."""

from __future__ import annotations

import asyncio
import datetime as dt
from ipaddress import ip_network
from typing import Any

import pytest
from tests.events.conftest import Hooks
from tests.support.editorial_client import ROOT
from tests.support.webhook_receiver import ReceivedRequest, hang, open_receiver, response

from contentql.events import http_client
from contentql.events.http_client import AttemptResult, ReceiverClient
from contentql.events.retries import DISABLED_AFTER, MAX_AGE, RETRY_DELAYS, next_step, pause_after

NOW = dt.datetime(2026, 6, 30, 8, tzinfo=dt.UTC)
LOCAL = (ip_network("127.0.0.0/8"),)


async def test_a_receiver_that_is_gone_disables_its_webhook(hooks: Hooks) -> None:
    """Status 410; after that it gets no events until it is enabled."""
    hooks.receiver.behaviour["/hook"] = response(410)
    id = (await hooks.create())["webhook"]["id"]
    newsroom = hooks.newsroom
    async with hooks.worker().running():
        await newsroom.create_published()
        await hooks.wait_for_states(id, "DEAD")
        webhook = await newsroom.query(
            "query($id: ID!) { webhook(id: $id) { enabled disabledReason } }", ROOT, id=id
        )
        assert webhook["webhook"]["enabled"] is False
        assert "410" in webhook["webhook"]["disabledReason"]
        await newsroom.create_published()
        del hooks.receiver.behaviour["/hook"]
        enabled = await newsroom.mutate_ok("updateWebhook", ROOT, id=id, enabled=True)
        assert (enabled["enabled"], enabled["disabledReason"]) == (True, None)
        await newsroom.create_published()
        await hooks.wait_for_states(id, "DEAD", "DELIVERED")


async def test_dead_deliveries_are_listed_and_replayed(hooks: Hooks) -> None:
    """With the same ids."""
    hooks.receiver.behaviour["/hook"] = response(500)
    id = (await hooks.create())["webhook"]["id"]
    newsroom = hooks.newsroom
    async with hooks.worker().running():
        article = await newsroom.create_published()
        await hooks.wait_for_attempts(id)
        hooks.ahead = MAX_AGE
        (dead,) = await hooks.wait_for_states(id, "DEAD")
        assert (dead["lastStatus"], dead["attempts"]) == (500, 2)
        assert dead["lastError"] == "The receiver responded with status 500."
        query = """query($id: ID!) { webhook(id: $id) { deliveries(filter: {state: {eq: DEAD}}, first: 1) {
            totalCount nodes { id messageId articleId eventType nextAttemptAt } } } }"""
        listed = (await newsroom.query(query, ROOT, id=id))["webhook"]["deliveries"]
        (node,) = listed["nodes"]
        assert (listed["totalCount"], node["articleId"], node["nextAttemptAt"]) == (1, article, None)
        del hooks.receiver.behaviour["/hook"]
        assert (await newsroom.mutate_ok("replayWebhookDeliveries", ROOT, id=id))["replayed"] == 1
        await hooks.wait_for_states(id, "DELIVERED")
        again = await newsroom.mutate_ok("replayWebhookDeliveries", ROOT, id=id, deliveries=[node["id"]])
        assert again["replayed"] == 1
        await hooks.receiver.wait_for(4)
    assert {request.id for request in hooks.receiver.requests} == {node["messageId"]}


async def test_a_receiver_is_given_the_time_that_it_asks_for(hooks: Hooks) -> None:
    """Also before other events."""
    hooks.receiver.behaviour["/hook"] = response(503, "retry-after: 7200")
    id = (await hooks.create())["webhook"]["id"]
    async with hooks.worker().running():
        await hooks.newsroom.create_published()
        await hooks.receiver.wait_for(1)
        await hooks.newsroom.create_published()
        await hooks.wait_for_states(id, "PENDING", "PENDING")
        first, second = await hooks.deliveries(id, "nextAttemptAt lastAttemptAt attempts")
    times = [dt.datetime.fromisoformat(first[name]) for name in ("lastAttemptAt", "nextAttemptAt")]
    assert times[1] - times[0] >= dt.timedelta(hours=2)
    assert (first["attempts"], second["attempts"], len(hooks.receiver.requests)) == (1, 0, 1)


@pytest.mark.parametrize("location", ["http://169.254.169.254/latest/meta-data/", "/other"])
async def test_redirects_are_not_followed(hooks: Hooks, location: str) -> None:
    hooks.receiver.behaviour["/hook"] = response(302, f"location: {location}")
    id = (await hooks.create())["webhook"]["id"]
    async with hooks.worker().running():
        await hooks.newsroom.create_published()
        (delivery,) = await hooks.wait_for_attempts(id)
    assert (delivery["state"], delivery["lastStatus"]) == ("PENDING", 302)
    assert {request.path for request in hooks.receiver.requests} == {"/hook"}


async def test_private_addresses_are_refused_when_they_are_resolved(hooks: Hooks) -> None:
    """A name that led to a public address when the webhook was created may lead elsewhere later."""
    id = (await hooks.create())["webhook"]["id"]
    async with hooks.worker(allowed=()).running():
        await hooks.newsroom.create_published()
        (delivery,) = await hooks.wait_for_attempts(id)
    assert delivery["lastError"] == "The receiver has a private address."
    assert hooks.receiver.requests == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "[::1]", "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "0.0.0.0", "169.254.169.254", "[fe80::1]", "10.1.2.3",
        "100.64.0.1",
    ],
)  # fmt: skip
async def test_no_request_goes_to_a_private_address(host: str) -> None:
    """In whatever notation."""
    async with open_receiver() as receiver, ReceiverClient() as client:
        for scheme in ("http", "https"):
            result = await client.send(f"{scheme}://{host}:{receiver.port}/", {}, b"{}")
            assert result == AttemptResult(None, "The receiver has a private address.")
        assert receiver.requests == []


async def test_plain_http_is_for_allowed_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection goes to the address that was checked, and the request names the host."""
    resolved: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        resolved.append(host)
        return ["8.8.8.8"] if host == "public.example" else ["127.0.0.1"]

    monkeypatch.setattr(http_client, "_resolve", resolve)
    async with open_receiver() as receiver, ReceiverClient(LOCAL) as client:
        result = await client.send("http://public.example/", {}, b"")
        assert result == AttemptResult(None, "The URL must begin with https://.")
        result = await client.send(receiver.url(host="receiver.example"), {"a": "b"}, b"{}")
        assert result.is_success
        assert receiver.requests[0].headers["host"] == f"receiver.example:{receiver.port}"
        assert resolved == ["public.example", "receiver.example"]


async def test_one_private_address_of_a_name_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "_resolve", lambda host, port: ["8.8.8.8", "169.254.169.254"])
    async with ReceiverClient() as client:
        result = await client.send("https://mixed.example/", {}, b"")
    assert result == AttemptResult(None, "The receiver has a private address.")


async def _two_gigabytes(_: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2147483648\r\n\r\n")
    _two_gigabytes.sent = 0  # type: ignore[attr-defined]
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()
        _two_gigabytes.sent += 65_536  # type: ignore[attr-defined]


async def _endless_headers(_: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"x-more: " + b"y" * 1_000 + b"\r\n")
        await writer.drain()


async def _slow_body(_: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"1\r\nx\r\n")
        await writer.drain()
        await asyncio.sleep(0.1)


async def _nonsense(_: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")
    await writer.drain()


async def _close(_: ReceivedRequest, __: asyncio.StreamWriter) -> None:
    return None


@pytest.mark.parametrize(
    ("behaviour", "status", "error"),
    [
        (_two_gigabytes, 200, ""),
        (_slow_body, 200, ""),
        (_endless_headers, None, "The receiver did not respond with valid HTTP."),
        (_nonsense, None, "The receiver did not respond with valid HTTP."),
        (_close, None, "The receiver did not respond with valid HTTP."),
        (hang, None, "The receiver did not respond within 2 seconds."),
        (response(404), 404, "The receiver responded with status 404."),
    ],
)
async def test_responses_of_any_kind(behaviour: Any, status: int | None, error: str) -> None:
    """Only the status counts; little is read of the rest."""
    async with open_receiver() as receiver, ReceiverClient(LOCAL, seconds=2) as client:
        receiver.behaviour["/hook"] = behaviour
        result = await client.send(receiver.url(), {}, b"{}")
        assert (result.status, result.error) == (status, error)
        if behaviour is _two_gigabytes:
            assert _two_gigabytes.sent < 20_000_000
        receiver.behaviour.clear()
        assert (await client.send(receiver.url(), {}, b"{}")).status == 204


async def test_a_closed_port() -> None:
    async with open_receiver() as receiver:
        url = receiver.url()
    async with ReceiverClient(LOCAL) as client:
        assert await client.send(url, {}, b"") == AttemptResult(
            None, "The receiver does not accept connections."
        )


# Retries


def _step(
    status: int | None, attempts: int = 1, age: float = 0, retry_after: str = "", failing: float = 0
) -> Any:
    hour = dt.timedelta(hours=1)
    return next_step(
        AttemptResult(status, "", retry_after),
        attempts=attempts,
        queued_at=NOW - age * hour,
        failing_since=NOW - failing * hour if failing else None,
        now=NOW,
    )


def test_attempts_end_after_36_hours() -> None:
    assert sum(RETRY_DELAYS) == pytest.approx(MAX_AGE.total_seconds(), rel=0.01)
    for attempts, delay in enumerate(RETRY_DELAYS, 1):
        assert _step(500, attempts).delay == pytest.approx(delay, rel=0.1)
    assert _step(500, len(RETRY_DELAYS) + 1).delay is None
    assert _step(None, 3, age=36).delay is None
    assert _step(None, 3, age=35).delay


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        (429, "3600", 3_600),
        (503, " 120 ", 120),
        (503, "Tue, 30 Jun 2026 09:00:00 GMT", 3_600),
        (503, "Tue, 30 Jun 2026 07:00:00 GMT", 5),
        (503, "99999999999999999999", 86_400),
        (503, "-5", 5),
        (503, "soon", 5),
        (500, "3600", 5),
        (200, "3600", None),
    ],
)
def test_retry_after(status: int, header: str, seconds: float | None) -> None:
    delay = _step(status, retry_after=header).delay
    assert delay == (seconds if seconds is None else pytest.approx(seconds, rel=0.1))


def test_a_webhook_that_fails_for_days_is_disabled() -> None:
    hours = DISABLED_AFTER.total_seconds() / 3_600
    assert _step(500, failing=hours - 1).disable_reason == ""
    assert _step(500, failing=hours).disable_reason == "No attempt has succeeded for 5 days."
    assert _step(200, failing=hours).disable_reason == ""
    assert _step(410).disable_reason


def test_pauses_grow_with_failures_in_a_row() -> None:
    assert [pause_after(failures) for failures in range(12)] == [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]
