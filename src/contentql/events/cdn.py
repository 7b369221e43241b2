"""Requests that purge a CDN by cache tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import orjson

from contentql.errors import OperatorError
from contentql.public_addresses import check_receiver_url
from contentql.settings import Settings

CdnKind = Literal["fastly", "cloudflare", "varnish", "http"]

# Tags of one request. Fastly accepts 256 and Cloudflare 100; the headers of Varnish are limited to 8 KB.
TAGS_PER_PURGE: Final[Mapping[str, int]] = {"fastly": 256, "cloudflare": 100, "varnish": 50, "http": 100}
API_URLS: Final[Mapping[str, str]] = {
    "fastly": "https://api.fastly.com",
    "cloudflare": "https://api.cloudflare.com/client/v4",
}
DEFAULT_BODY: Final = '{"tags": {tags}}'


@dataclass(frozen=True)
class PurgeRequest:
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Cdn:
    """A CDN of the settings. `service`: Fastly's service id, Cloudflare's zone id.

    `headers` and `body` are templates for the kind `http`, in which `{token}` stands for the token, `{tags}`
    for a JSON array of tags, and `{tag_list}` for tags separated by commas.
    """

    kind: CdnKind
    url: str = ""
    service: str = ""
    token: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = DEFAULT_BODY

    @property
    def address(self) -> str:
        """URL of the requests, which also identifies the CDN."""
        base = (self.url or API_URLS.get(self.kind, "")).rstrip("/")
        match self.kind:
            case "fastly":
                return f"{base}/service/{self.service}/purge"
            case "cloudflare":
                return f"{base}/zones/{self.service}/purge_cache"
            case _:
                return self.url

    @property
    def tags_per_purge(self) -> int:
        return TAGS_PER_PURGE[self.kind]

    def purge_request(self, tags: Sequence[str]) -> PurgeRequest:
        """Returns the request that purges all responses with one of the tags."""
        json = {"content-type": "application/json"}
        match self.kind:
            case "fastly":
                headers = {**json, "fastly-key": self.token}
                return PurgeRequest(
                    "POST", self.address, headers, orjson.dumps({"surrogate_keys": list(tags)})
                )
            case "cloudflare":
                headers = {**json, "authorization": f"Bearer {self.token}"}
                return PurgeRequest("POST", self.address, headers, orjson.dumps({"tags": list(tags)}))
            case "varnish":
                headers = {"xkey-purge": " ".join(tags), "surrogate-key": " ".join(tags)}
                if self.token:
                    headers["authorization"] = f"Bearer {self.token}"
                return PurgeRequest("PURGE", self.address, headers, b"")
            case _:
                headers = {name: self._filled(text, tags) for name, text in self.headers.items()}
                return PurgeRequest(
                    "POST", self.address, {**json, **headers}, self._filled(self.body, tags).encode()
                )

    def _filled(self, template: str, tags: Sequence[str]) -> str:
        """The template with its values. Tags contain no braces, and are filled in last."""
        text = template.replace("{token}", self.token)
        return text.replace("{tag_list}", ",".join(tags)).replace("{tags}", orjson.dumps(list(tags)).decode())


def load_cdns(settings: Settings) -> tuple[Cdn, ...]:
    """The CDNs of the settings. Raises OperatorError if a setting of a CDN is missing or not valid."""
    if not settings.cdn:
        return ()
    kind = settings.cdn
    if kind in ("fastly", "cloudflare"):
        for name, value in (("CDN_SERVICE", settings.cdn_service), ("CDN_TOKEN", settings.cdn_token)):
            if not value:
                raise OperatorError(f"CONTENTQL_CDN={kind} needs CONTENTQL_{name}.")
    elif not settings.cdn_url:
        raise OperatorError(f"CONTENTQL_CDN={kind} needs CONTENTQL_CDN_URL.")
    cdns = tuple(
        Cdn(kind, url, settings.cdn_service, settings.cdn_token, settings.cdn_headers, settings.cdn_body)
        for url in settings.cdn_url_list or ("",)
    )
    for cdn in cdns:
        try:
            check_receiver_url(cdn.address, settings.webhook_network_list)
        except ValueError as exc:
            raise OperatorError(f"CONTENTQL_CDN_URL cannot be {cdn.address!r}: {exc}.") from None
    return cdns
