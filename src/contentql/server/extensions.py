"""What our uvicorn protocol classes offer an application beyond ASGI; works without uvicorn.

An application that runs on another server sees none of this and takes the standard way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

# Key in `scope["extensions"]` of a callable `(status, headers, body) -> bool` that writes a response in one
# piece. `headers` is the rendered header block, Content-Length included. False: nothing was written.
RAW_RESPONSE_EXTENSION: Final = "contentql.raw_response"

# Key in `scope["extensions"]` under which an application puts a callable for a response that has no end of
# its own: called when the server stops.
ON_SHUTDOWN_EXTENSION: Final = "contentql.on_shutdown"

# Name of an application's method that returns a response from memory, called before a task is created.
TRY_CACHED_RESPONSE: Final = "try_cached_response"
# Scope and whole body in; status, header block and body out, or None for the standard way.
TryCachedResponse = Callable[[Any, bytes], tuple[int, bytes, bytes] | None]

# Code of `websocket.disconnect` when the server stops: no client can send it. The socket is still open, so
# running operations can complete before the application closes it.
SHUTDOWN_CODE: Final = 0
