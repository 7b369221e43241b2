"""Options of uvicorn, the same for `contentql serve` and for the servers that `contentql bench` compares."""

from __future__ import annotations

import os
from typing import Any

from contentql.settings import Settings

# For requests that run at SIGTERM: a slow body (20 s) and its operation (5 s).
GRACEFUL_SHUTDOWN_SECONDS = 25


def uvicorn_options(settings: Settings) -> dict[str, Any]:
    """Keyword arguments of `uvicorn.run`, apart from the application and its workers."""
    if settings.http_protocol == "uvicorn":
        http, websocket = "httptools", "websockets-sansio"
    else:
        http = "contentql.server.http_protocol:HttpProtocol"
        websocket = "contentql.server.websocket_protocol:WebSocketProtocol"
    return {
        "host": settings.host,
        "port": settings.port,
        "loop": "uvloop" if os.name != "nt" else "asyncio",
        "http": http,
        "ws": websocket,
        "ws_max_size": settings.max_body_bytes,
        "ws_per_message_deflate": False,  # it would take three times the memory of a socket
        "ws_ping_interval": 20,
        "ws_ping_timeout": 20,
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "date_header": True,
        "timeout_keep_alive": 30,
        "timeout_graceful_shutdown": GRACEFUL_SHUTDOWN_SECONDS,
    }
