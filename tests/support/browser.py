"""A headless Chromium for tests: opens pages, clicks, types, and records errors and requests.

The Chrome DevTools Protocol over a WebSocket needs no installed driver. The browser reaches only this
machine; all requested URLs are recorded.
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
    "Chromium is not on this machine and could not be installed: the browser tests were NOT run."
    " Install it (apt-get install chromium) and run the tests again."
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
    """The command that starts Chromium; installs it if it is missing and we are root on Debian."""
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
    """Runs Chromium with an empty profile; yields the URL of its debugging socket for `open_page`."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [command, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield _debugging_url(process, Path(profile) / "DevToolsActivePort")
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.asynccontextmanager
async def open_page(url: str) -> AsyncIterator[Page]:
    """An empty page of a new profile, without cookies and stored data."""
    async with connect(url, max_size=None) as socket:
        page = Page(socket)
        listener = asyncio.create_task(page.listen())
        try:
            await page.attach()
            yield page
            await page.detach()
        finally:
            listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listener


class Page:
    """A page of the browser: user actions, and the errors and requests of the page."""

    def __init__(self, socket: ClientConnection) -> None:
        self.requested_urls: list[str] = []
        """Every requested URL, in order."""
        self.console_errors: list[str] = []
        """Errors and warnings of the console, uncaught exceptions and policy violations."""
        self._socket = socket
        self._session = ""
        self._context = ""
        self._count = 0
        self._waiting: dict[int, asyncio.Future[Any]] = {}

    async def open(self, url: str) -> None:
        """Navigates to the URL and waits until the page with all its files is loaded."""
        await self._send("Page.navigate", url=url)
        await self.wait_for(f"location.href === {json.dumps(url)} && document.readyState === 'complete'")

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        result = await self._send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in result:
            raise AssertionError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    async def wait_for(self, expression: str, seconds: float = 20.0) -> None:
        """Waits until the expression is true; an exception in the page counts as false."""
        deadline, reason = time.monotonic() + seconds, ""
        while True:
            try:
                if await self.evaluate(f"Boolean({expression})"):
                    return
            except AssertionError as exc:
                reason = str(exc)
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"not true after {seconds} s: {expression}; {reason}; {self.console_errors}"
                )
            await asyncio.sleep(0.05)

    async def click(self, selector: str) -> None:
        """Clicks the middle of the first element that matches the CSS selector."""
        element = f"document.querySelector({json.dumps(selector)})"
        await self.wait_for(f"{element} !== null")
        point = await self.evaluate(
            f"(() => {{ const box = {element}.getBoundingClientRect();"
            " return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            await self._send(
                "Input.dispatchMouseEvent", type=kind, x=point[0], y=point[1], button="left", clickCount=1
            )

    async def type_text(self, text: str) -> None:
        """Types the text at the cursor."""
        await self._send("Input.insertText", text=text)

    async def press(self, key: str, code: str, key_code: int, *, ctrl: bool = False) -> None:
        """Presses one key, given by its name, its code and its key code: "Enter", "Enter", 13."""
        for kind in ("rawKeyDown", "keyUp"):
            await self._send(
                "Input.dispatchKeyEvent",
                type=kind, key=key, code=code, windowsVirtualKeyCode=key_code, modifiers=2 if ctrl else 0,
            )  # fmt: skip

    async def resize(self, width: int, height: int) -> None:
        """Sets the size of the window in pixels."""
        await self._send(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip

    async def set_color_scheme(self, name: str) -> None:
        """Sets the system's colour scheme, "light" or "dark"."""
        await self._send(
            "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}]
        )

    async def set_time_zone(self, name: str) -> None:
        """Sets the system's time zone, such as "Asia/Kolkata"."""
        await self._send("Emulation.setTimezoneOverride", timezoneId=name)

    async def set_offline(self, offline: bool) -> None:
        """Cuts the page's connections, or restores them."""
        await self._send(
            "Network.emulateNetworkConditions",
            offline=offline, latency=0, downloadThroughput=-1, uploadThroughput=-1,
        )  # fmt: skip

    async def screenshot(self) -> bytes:
        """A PNG of the visible page."""
        return base64.b64decode((await self._send("Page.captureScreenshot", format="png"))["data"])

    def external_requests(self, origin: str) -> list[str]:
        """The requested URLs of other hosts than `origin`, including WebSockets."""
        own = urlsplit(origin).netloc
        return [
            url
            for url in self.requested_urls
            if urlsplit(url).scheme not in ("data", "blob") and urlsplit(url).netloc != own
        ]

    async def attach(self) -> None:
        """Creates the page in a browser context of its own."""
        self._context = (await self._send("Target.createBrowserContext"))["browserContextId"]
        target = await self._send("Target.createTarget", url="about:blank", browserContextId=self._context)
        attached = await self._send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self._send(f"{domain}.enable")

    async def detach(self) -> None:
        """Closes the browser context."""
        self._session = ""
        await self._send("Target.disposeBrowserContext", browserContextId=self._context)

    async def listen(self) -> None:
        """Reads messages until the connection ends."""
        try:
            async for text in self._socket:
                message = json.loads(text)
                if "id" in message:
                    self._resolve(message)
                else:
                    self._record(message.get("method", ""), message.get("params", {}))
        finally:
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(ConnectionError("Chromium closed the connection"))

    def _resolve(self, message: dict[str, Any]) -> None:
        waiting = self._waiting.pop(message["id"])
        if waiting.done():
            return
        if "error" in message:
            waiting.set_exception(AssertionError(message["error"]["message"]))
        else:
            waiting.set_result(message["result"])

    def _record(self, method: str, message: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requested_urls.append(message["request"]["url"])
        elif method == "Network.webSocketCreated":
            self.requested_urls.append(message["url"])
        elif method == "Runtime.exceptionThrown":
            self.console_errors.append(f"exception: {message['exceptionDetails']}")
        elif method == "Runtime.consoleAPICalled" and message["type"] in ("error", "warning", "assert"):
            text = " ".join(str(part.get("value", part.get("description"))) for part in message["args"])
            self.console_errors.append(f"console: {text}")
        elif method == "Log.entryAdded" and message["entry"]["level"] in ("error", "warning"):
            entry = message["entry"]
            self.console_errors.append(f"{entry['source']}: {entry['text']} {entry.get('url', '')}")

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


def _debugging_url(process: subprocess.Popen[bytes], port_file: Path) -> str:
    """The URL of the debugging socket: the browser writes port and path into its profile when it is ready."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"Chromium ended with {process.returncode} while starting")
        lines = port_file.read_text().split() if port_file.exists() else []
        if len(lines) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.05)
    raise AssertionError("Chromium did not start within 30 seconds")
