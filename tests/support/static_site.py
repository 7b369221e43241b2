"""A server of the files of a folder, as a static host of a web site."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class _Files(SimpleHTTPRequestHandler):
    """Serves `index.html` for paths without a file, as sites with pages in the browser need it."""

    def send_head(self):  # type: ignore[no-untyped-def]  # the type is private to the library
        if not Path(self.translate_path(self.path)).exists():
            self.path = "/"
        return super().send_head()

    def log_message(self, format: str, *arguments: object) -> None:
        """Writes nothing."""


@contextlib.contextmanager
def serve_folder(folder: Path, port: int = 0) -> Iterator[str]:
    """The origin of a server of the folder; `port` 0 is any free one."""
    server = ThreadingHTTPServer(("127.0.0.1", port), partial(_Files, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
