"""HTTP/1.1 protocol class that ignores an offer to upgrade to another protocol.

Java's HttpClient, Ktor and `curl --http2` send `Upgrade: h2c` with their first request. A server may ignore
it (RFC 9110, section 7.8); uvicorn loses the request's body.
"""

from __future__ import annotations

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class UpgradeIgnoringProtocol(HttpToolsProtocol):
    """HTTP protocol class for uvicorn's option `http`."""

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as stopped:
            if self._should_upgrade():
                self.handle_websocket_upgrade()
            elif self._passes_over():
                self._go_on(data[stopped.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")

    def on_headers_complete(self) -> None:
        if not self._passes_over():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        if not self._passes_over():
            super().on_message_complete()

    def _passes_over(self) -> bool:
        # CONNECT stops the parser too, whatever its headers are; it is answered and its connection is over.
        stops = self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"
        return stops and not self._should_upgrade()

    def _go_on(self, rest: bytes) -> None:
        """Continue with a new parser, because the old one stops after such headers; it reads them without
        the offer."""
        version = self.parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, version)]
        lines += [b"%s: %s" % field for field in self.headers if field[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"\r\n".join([*lines, b"", rest]))
