"""/demo/media/…: the pictures of the demo newsroom."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from contentql.fixtures.demo_media import DEMO_MEDIA_PATH, demo_media_files

_HEADERS = {
    "access-control-allow-origin": "*",
    "cache-control": "public, max-age=86400",
    "content-security-policy": "default-src 'none'",
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
}
_TYPES = {".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}


def demo_media_routes() -> list[BaseRoute]:
    """The route of all pictures."""
    return [Route(f"{DEMO_MEDIA_PATH}{{name:path}}", _picture)]


async def _picture(request: Request) -> Response:
    path = demo_media_files().get(request.path_params["name"])
    if path is None:
        return Response(status_code=404)
    return FileResponse(path, headers=_HEADERS, media_type=_TYPES[path.suffix])
