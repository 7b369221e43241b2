"""A headless Chromium for tests: opens pages, clicks and types like a reader, and hears every complaint.

Speaks the browser's own protocol (CDP) over a WebSocket, so no driver has to be installed. The browser can
reach this machine only; whatever else a page asks for is written down and fails.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = (
    "No Chromium on this machine, and it could not be installed: what readers see in the browser was NOT"
    " tested. Install it (apt-get install chromium) and run the tests again."
)
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--window-size=1400,900",
    "--remote-debugging-port=0",
)


def find_chromium() -> str | None:
    """The command that starts Chromium; installed first if it is missing and we are root on Debian."""
    path = _on_path()
    if path is None and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        for arguments in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run(
                    ["apt-get", "-q", *arguments],
                    env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    timeout=600,
                    check=False,
                )
        path = _on_path()
    return path


@contextlib.contextmanager
def start_chromium(command: str) -> Iterator[str]:
    """Runs Chromium with an empty profile; yields the address that `page` connects to."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [command, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield _address(process, Path(profile) / "DevToolsActivePort")
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.asynccontextmanager
async def open_page(address: str) -> AsyncIterator[Page]:
    """An empty page of a reader who has never been here: no cookies, nothing stored."""
    async with connect(address, max_size=None) as socket:
        opened = Page(socket)
        listening = asyncio.create_task(opened.listen())
        try:
            await opened.begin()
            yield opened
            await opened.end()
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening


class Page:
    """What a reader does in a page, and what the page does meanwhile."""

    def __init__(self, socket: ClientConnection) -> None:
        self.requested_urls: list[str] = []
        """Every address the page asked for, in order."""
        self.complaints: list[str] = []
        """Errors and warnings of the console, uncaught exceptions and broken security policies."""
        self._socket = socket
        self._session = ""
        self._context = ""
        self._count = 0
        self._waiting: dict[int, asyncio.Future[Any]] = {}

    async def open(self, url: str) -> None:
        """Goes there and waits until the page with all its files is loaded."""
        await self._send("Page.navigate", url=url)
        await self.until(f"location.href === {json.dumps(url)} && document.readyState === 'complete'")

    async def read(self, expression: str) -> Any:
        """What a JavaScript expression is worth in the page."""
        result = await self._send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in result:
            raise AssertionError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    async def until(self, expression: str, seconds: float = 20.0) -> None:
        """Waits until the expression is true. What cannot be worked out yet, is not true yet."""
        end, why = time.monotonic() + seconds, ""
        while True:
            try:
                if await self.read(f"Boolean({expression})"):
                    return
            except AssertionError as exc:
                why = str(exc)
            if time.monotonic() > end:
                raise AssertionError(f"not so after {seconds} s: {expression}; {why}; {self.complaints}")
            await asyncio.sleep(0.05)

    async def click(self, selector: str) -> None:
        """Presses the mouse in the middle of the first element that the CSS selector finds."""
        element = f"document.querySelector({json.dumps(selector)})"
        await self.until(f"{element} !== null")
        place = await self.read(
            f"(() => {{ const box = {element}.getBoundingClientRect();"
            " return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            await self._send(
                "Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1
            )

    async def write(self, text: str) -> None:
        """Types the text where the cursor is."""
        await self._send("Input.insertText", text=text)

    async def press(self, key: str, code: str, number: int, *, ctrl: bool = False) -> None:
        """Presses one key, by its name, its place and its old number: "Enter", "Enter", 13."""
        for kind in ("rawKeyDown", "keyUp"):
            await self._send(
                "Input.dispatchKeyEvent",
                type=kind, key=key, code=code, windowsVirtualKeyCode=number, modifiers=2 if ctrl else 0,
            )  # fmt: skip

    async def resize(self, width: int, height: int) -> None:
        """Makes the window so large."""
        await self._send(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip

    async def picture(self) -> bytes:
        """What the reader sees, as a PNG."""
        return base64.b64decode((await self._send("Page.captureScreenshot", format="png"))["data"])

    def elsewhere(self, origin: str) -> list[str]:
        """What the page asked of any other host than `origin`, sockets included."""
        own = urlsplit(origin).netloc
        return [
            url
            for url in self.requested_urls
            if urlsplit(url).scheme not in ("data", "blob") and urlsplit(url).netloc != own
        ]

    async def begin(self) -> None:
        self._context = (await self._send("Target.createBrowserContext"))["browserContextId"]
        target = await self._send("Target.createTarget", url="about:blank", browserContextId=self._context)
        attached = await self._send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self._send(f"{domain}.enable")

    async def end(self) -> None:
        self._session = ""
        await self._send("Target.disposeBrowserContext", browserContextId=self._context)

    async def listen(self) -> None:
        try:
            async for text in self._socket:
                message = json.loads(text)
                if "id" in message:
                    self._answer(message)
                else:
                    self._hear(message.get("method", ""), message.get("params", {}))
        finally:
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(ConnectionError("Chromium went away"))

    def _answer(self, message: dict[str, Any]) -> None:
        waiting = self._waiting.pop(message["id"])
        if waiting.done():
            return
        if "error" in message:
            waiting.set_exception(AssertionError(message["error"]["message"]))
        else:
            waiting.set_result(message["result"])

    def _hear(self, method: str, message: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requested_urls.append(message["request"]["url"])
        elif method == "Network.webSocketCreated":
            self.requested_urls.append(message["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(f"exception: {message['exceptionDetails']}")
        elif method == "Runtime.consoleAPICalled" and message["type"] in ("error", "warning", "assert"):
            words = " ".join(str(part.get("value", part.get("description"))) for part in message["args"])
            self.complaints.append(f"console: {words}")
        elif method == "Log.entryAdded" and message["entry"]["level"] in ("error", "warning"):
            entry = message["entry"]
            self.complaints.append(f"{entry['source']}: {entry['text']} {entry.get('url', '')}")

    async def _send(self, method: str, **arguments: Any) -> Any:
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": arguments}
        if self._session:
            message["sessionId"] = self._session
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[self._count] = waiting
        await self._socket.send(json.dumps(message))
        return await asyncio.wait_for(waiting, 30)


def _on_path() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def _address(process: subprocess.Popen[bytes], port_file: Path) -> str:
    """Where the browser listens: it writes port and path into its profile when it is ready."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if process.poll() is not None:
            raise AssertionError(f"Chromium ended with {process.returncode} while starting")
        lines = port_file.read_text().split() if port_file.exists() else []
        if len(lines) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.05)
    raise AssertionError("Chromium did not start within 30 seconds")
