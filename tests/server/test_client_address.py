"""Addresses of clients, directly and behind proxies."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.http_client import client_from, error_code, make_endpoint

from contentql.execution.concurrency import ConcurrencyLimiter
from contentql.execution.executor import Executor
from contentql.server.client_address import ClientAddress, ClientAddressResolver
from contentql.settings import Settings
from contentql.web.admission import AdmissionControl
from contentql.web.rate_limit.memory import MemoryRateLimitStore
from contentql.web.rate_limit.window import RateLimit

DIRECT = ClientAddressResolver()
BEHIND = ClientAddressResolver(Settings(trusted_proxies="10.0.0.0/8, 2001:db8:1::/48").trusted_proxy_networks)
PROXY = "10.0.0.1"


def client(addresses: ClientAddressResolver, peer: str, *headers: tuple[str, str]) -> ClientAddress:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return addresses.resolve({"type": "http", "client": (peer, 1), "headers": raw})


def test_a_client_is_its_address() -> None:
    """An IPv6 client is its network: the addresses in it are all its own."""
    assert client(DIRECT, "203.0.113.9").name == "203.0.113.9"
    assert client(DIRECT, "::ffff:203.0.113.9").name == "203.0.113.9"
    assert client(DIRECT, "2001:db8::1") == client(DIRECT, "2001:db8:0:0:9::")
    assert client(DIRECT, "2001:db8::1").name == "2001:db8::/64"
    assert client(DIRECT, "2001:db8:0:1::1").name != client(DIRECT, "2001:db8::1").name
    assert client(DIRECT, "fe80::1%eth0").name == "fe80::/64"


def test_a_connection_without_an_address_is_local() -> None:
    """A Unix socket has none."""
    socket = DIRECT.resolve({"type": "http", "client": None, "headers": []})
    assert socket == client(DIRECT, "testclient") == ("unknown", True)


@pytest.mark.parametrize(
    ("peer", "is_private"),
    [
        ("127.0.0.1", True),
        ("10.9.8.7", True),
        ("::ffff:10.9.8.7", True),
        ("fd00::1", True),
        ("fe80::1%eth0", True),
        ("8.8.8.8", False),
        ("::ffff:8.8.8.8", False),
        ("2606:4700::1111", False),
    ],
)
def test_private_clients_are_those_of_no_public_address(peer: str, is_private: bool) -> None:
    """IPv4 addresses in IPv6 notation are IPv4 addresses."""
    assert client(DIRECT, peer).is_private is is_private


def test_only_trusted_proxies_set_the_client_address() -> None:
    """Headers of other peers are ignored."""
    expected = ("x-forwarded-for", "198.51.100.7"), ("forwarded", "for=198.51.100.7")
    assert client(DIRECT, PROXY, *expected).name == PROXY
    assert client(BEHIND, "203.0.113.9", *expected).name == "203.0.113.9"
    assert client(BEHIND, PROXY, *expected).name == "198.51.100.7"
    assert client(BEHIND, f"::ffff:{PROXY}", *expected).name == "198.51.100.7"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("x-forwarded-for", "198.51.100.7")], "198.51.100.7"),
        # Values that the client sent are left of the value that the proxy added.
        ([("x-forwarded-for", "1.1.1.1, 198.51.100.7")], "198.51.100.7"),
        ([("x-forwarded-for", "unknown,, , 198.51.100.7")], "198.51.100.7"),
        ([("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "198.51.100.7")], "198.51.100.7"),
        ([("x-forwarded-for", "1.1.1.1, 198.51.100.7, 10.2.0.1,10.3.0.1")], "198.51.100.7"),
        ([("x-forwarded-for", "198.51.100.7:4711")], "198.51.100.7"),
        ([("x-forwarded-for", "::ffff:198.51.100.7, ::ffff:10.2.0.1")], "198.51.100.7"),
        ([("x-forwarded-for", "2001:db8:7::1")], "2001:db8:7::/64"),
        ([("x-forwarded-for", "fe80::7%eth0, 2001:db8:1::9")], "fe80::/64"),
        ([("x-forwarded-for", "[2001:db8:7::1]:443")], "2001:db8:7::/64"),
        ([("forwarded", 'for=1.1.1.1, For="[2001:db8:7::1]:4711";proto=https')], "2001:db8:7::/64"),
        ([("forwarded", "for=[2001:db8:7::1]")], "2001:db8:7::/64"),
        ([("forwarded", 'for="[2001:db8:7::1]:_obfuscated"')], "2001:db8:7::/64"),
        ([("forwarded", "proto=https ; for = 198.51.100.7;by=10.0.0.1")], "198.51.100.7"),
        ([("forwarded", 'for="1.1.1.1'), ("forwarded", "for=198.51.100.7")], "198.51.100.7"),
        ([("x-forwarded-for", "198.51.100.7"), ("forwarded", "for=198.51.100.7")], "198.51.100.7"),
        ([("x-forwarded-for", "198.51.100.7:80"), ("forwarded", 'for="198.51.100.7:81"')], "198.51.100.7"),
        ([("x-forwarded-for", "10.9.0.1, 10.2.0.1")], "10.9.0.1"),
        ([], PROXY),
    ],
)
def test_behind_proxies_the_nearest_untrusted_hop_is_the_client(
    headers: list[tuple[str, str]], expected: str
) -> None:
    """Hops are read from the nearest, over all lines of a header."""
    resolved = client(BEHIND, PROXY, *headers)
    assert resolved == (expected, not ip_address(expected.partition("/")[0]).is_global)


@pytest.mark.parametrize(
    ("headers", "proxy"),
    [
        # One of the two headers is the client's own; it is unknown which.
        ([("x-forwarded-for", "198.51.100.7"), ("forwarded", "for=1.1.1.1")], PROXY),
        ([("x-forwarded-for", "198.51.100.7"), ("forwarded", "for=10.2.0.1")], PROXY),
        ([("x-forwarded-for", "198.51.100.7"), ("forwarded", "")], PROXY),
        ([("x-forwarded-for", "198.51.100.7"), ("forwarded", "proto=https")], PROXY),
        ([("x-forwarded-for", ""), ("forwarded", "for=198.51.100.7")], PROXY),
        ([("x-forwarded-for", "198.51.100.7, unknown")], PROXY),
        ([("x-forwarded-for", "198.51.100.7, unknown, 10.2.0.1")], "10.2.0.1"),
        ([("x-forwarded-for", "198.51.100.7, unknown, 2001:db8:1::9")], "2001:db8:1::/64"),
        ([("x-forwarded-for", "198.51.100.7,")], PROXY),
        ([("x-forwarded-for", "")], PROXY),
        ([("x-forwarded-for", "<script>, ::1::")], PROXY),
        ([("x-forwarded-for", "198.51.100.7:port")], PROXY),
        ([("x-forwarded-for", "198.51.100.07")], PROXY),
        ([("x-forwarded-for", "198.51.100.0/24")], PROXY),
        ([("x-forwarded-for", '"198.51.100.7"')], PROXY),
        ([("x-forwarded-for", "[198.51.100.7]")], PROXY),
        ([("x-forwarded-for", "[2001:db8:7::1")], PROXY),
        ([("x-forwarded-for", f"fe80::7%{'z' * 60_000}")], PROXY),
        ([("forwarded", "for=_hidden")], PROXY),
        ([("forwarded", "for=unknown")], PROXY),
        ([("forwarded", "198.51.100.7")], PROXY),
        ([("forwarded", "for=")], PROXY),
        ([("forwarded", "for=198.51.100.7;for=1.1.1.1")], PROXY),
        ([("forwarded", 'for="198.51.100.7')], PROXY),
        ([("forwarded", 'for="198.51.100.7\\""')], PROXY),
        # The proxy quotes a Host header that the client chose.
        ([("forwarded", 'for=198.51.100.7;host="a,for=1.1.1.1;b="')], PROXY),
    ],
)
def test_a_client_that_is_not_certain_is_counted_as_one_via_its_proxy(
    headers: list[tuple[str, str]], proxy: str
) -> None:
    """All such clients of a proxy share one name, which the proxy itself does not have; never as private."""
    assert client(BEHIND, PROXY, *headers) == (f"via {proxy}", False)


PIECES = ["for=", '"', ",", ";", "=", "\\", ":80", "1.1.1.1", "10.0.0.2", "::1", "[fd00::1]", "unknown", "_x"]
TEXTS = st.one_of(
    st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=30),
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
)


@given(st.lists(TEXTS, max_size=3), st.lists(TEXTS, max_size=3), st.sampled_from(["x", "forwarded", "both"]))
def test_no_text_of_a_client_makes_it_another(x: list[str], forwarded: list[str], added: str) -> None:
    """Whatever it sends in both headers, and whichever of the two its proxy adds to, in any of two ways."""
    real = "8.8.4.4"
    for proxied in _with_hop(x, real) if added != "forwarded" else [x]:
        for standard in _with_hop(forwarded, f"for={real}") if added != "x" else [forwarded]:
            headers = [("x-forwarded-for", line) for line in proxied]
            headers += [("forwarded", line) for line in standard]
            assert client(BEHIND, PROXY, *headers) in ((real, False), (f"via {PROXY}", False))


def _with_hop(lines: list[str], hop: str) -> Iterator[list[str]]:
    """The lines with a hop that a proxy adds: in a line of its own, or at the end of the last."""
    yield [*lines, hop]
    yield [*lines[:-1], f"{lines[-1]}, {hop}"] if lines else [hop]


@pytest.mark.parametrize(
    "line", ["10.0.0.2," * 7_000, "," * 65_000, "for=10.0.0.2," * 5_000, 'for="' * 13_000, "[" * 65_000]
)
def test_long_headers_are_read_in_linear_time(line: str) -> None:
    """Counted in calls of Python functions: a few for each element."""
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        client(BEHIND, PROXY, ("x-forwarded-for", line), ("forwarded", line))
    finally:
        sys.setprofile(None)
    assert calls < 40 * line.count(",") + 1_000


@pytest.mark.parametrize(
    "headers",
    [
        {"x-forwarded-for": "8.8.8.8", "forwarded": "for={n}.1.1.1"},
        {"x-forwarded-for": "{n}.1.1.1, unknown"},
        {"forwarded": "for=_{n}"},
        {"forwarded": "for=10.0.0.{n};by={n}, for=8.8.8.8"},
    ],
)
async def test_forwarding_headers_do_not_lift_the_rate_limit(
    demo_executor: Executor, headers: dict[str, str]
) -> None:
    """Over HTTP, behind a proxy with a private address, with other headers in every request."""
    endpoint = make_endpoint(demo_executor)
    limit = RateLimit(5)
    endpoint.admission = AdmissionControl(
        limit, MemoryRateLimitStore(limit, clock=lambda: 0.0), BEHIND, ConcurrencyLimiter(4), public_only=True
    )
    async with client_from(endpoint, PROXY) as http:
        for n in range(1, 7):
            own = {name: value.format(n=n) for name, value in headers.items()}
            response = await http.post("/graphql", json={"query": "{ __typename }"}, headers=own)
            assert response.status_code == (200 if n < 6 else 429)
        assert error_code(response) == "RATE_LIMITED"
        assert (await http.post("/graphql", json={"query": "{ __typename }"})).status_code == 200
