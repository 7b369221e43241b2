"""URL of this server as the client knows it."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from contentql.server.client_address import ClientAddressResolver
from contentql.server.request_url import request_base_url

PROXY = "10.0.0.1"


def base_url(peer: str = "192.0.2.9", scheme: str = "http", root_path: str = "", **headers: str) -> str:
    scope = {
        "type": "http",
        "scheme": scheme,
        "client": (peer, 1234),
        "server": ("127.0.0.1", 8000),
        "root_path": root_path,
        "headers": [
            (name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()
        ],
    }
    return request_base_url(scope, ClientAddressResolver([ip_network("10.0.0.0/8")]))


@pytest.mark.parametrize(
    ("expected", "arguments"),
    [
        ("http://example.org", {"host": "example.org"}),
        ("http://example.org:8000", {"host": "example.org:8000"}),
        ("http://[2001:db8::1]:8000", {"host": "[2001:db8::1]:8000"}),
        ("https://example.org/cms", {"host": "example.org", "scheme": "https", "root_path": "/cms"}),
        ("https://example.org", {"host": "example.org", "scheme": "wss"}),
        ("http://127.0.0.1:8000", {}),
        ("http://127.0.0.1:8000", {"host": 'evil"><script>'}),
        ("http://127.0.0.1:8000", {"host": "user@example.org"}),
        ("http://127.0.0.1:8000", {"host": "example.org/path"}),
    ],
)
def test_host_is_that_of_the_request(expected: str, arguments: dict[str, str]) -> None:
    """A host that is not valid is replaced by the server's own address."""
    assert base_url(**arguments) == expected


@pytest.mark.parametrize(
    ("expected", "headers"),
    [
        ("https://example.org", {"x_forwarded_proto": "https", "x_forwarded_host": "example.org"}),
        ("https://example.org", {"x_forwarded_proto": "HTTPS, http", "x_forwarded_host": "example.org, in"}),
        ("https://example.org:8443", {"forwarded": 'for=192.0.2.1;proto=https;host="example.org:8443"'}),
        ("https://internal", {"forwarded": "proto=https, proto=http"}),
        ("http://internal", {"x_forwarded_proto": "javascript", "x_forwarded_host": "a b"}),
        ("http://internal", {"x_forwarded_proto": "", "forwarded": "proto"}),
    ],
)
def test_forwarded_host_and_scheme_are_those_of_trusted_proxies(
    expected: str, headers: dict[str, str]
) -> None:
    assert base_url(PROXY, host="internal", **headers) == expected
    assert base_url("192.0.2.9", host="internal", **headers) == "http://internal"
