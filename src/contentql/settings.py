"""Settings of the server and the commands: environment variables `CONTENTQL_…`, or flags of the same name."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from contentql.errors import OperatorError
from contentql.language_tags import LanguageTagError, normalize_language_tag
from contentql.url_patterns import Site, parse_patterns

Network = IPv4Network | IPv6Network

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, section 5.1
_NETLOC = re.compile(r"([\w-]+(\.[\w-]+)*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_PATH = re.compile(r"([\w.~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")
_HOST = re.compile(r"\*|(\*\.)?[\w-]+(\.[\w-]+)*|\[[0-9A-Fa-f:.]+\]", re.ASCII)


class Settings(BaseSettings):
    """Validated settings with their defaults. docs/configuration.md lists them; a test compares the two."""

    model_config = SettingsConfigDict(env_prefix="CONTENTQL_", extra="ignore")

    database_url: Annotated[str, Field(description="URL of the SQLite or PostgreSQL database.")] = (
        "sqlite:///newsroom.sqlite3"
    )
    host: Annotated[str, Field(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535, description="Port to listen on.")] = 8000
    workers: Annotated[
        int, Field(ge=1, le=64, description="Number of server processes that share the port.")
    ] = 1
    read_pool_size: Annotated[
        int,
        Field(
            ge=0,
            le=200,
            description="Number of database connections for reading per worker; 0: 2 on SQLite, 10 on "
            "PostgreSQL.",
        ),
    ] = 0
    site_url: Annotated[
        str,
        Field(
            description="URL of the reader's site, such as `https://example.org`, for canonical URLs; empty: "
            "unknown."
        ),
    ] = ""
    site_name: Annotated[str, Field(max_length=200, description="Name of the reader's site.")] = ""
    site_languages: Annotated[
        str, Field(description="Languages (BCP 47) of the reader's site, separated by commas.")
    ] = "en"
    site_logo: Annotated[str, Field(description="URL of the logo of the reader's site.")] = ""
    url_patterns: Annotated[
        dict[str, str],
        Field(
            description="Paths of the pages of the reader's site by type, as a JSON object; see "
            "[The reader's site](queries.md#the-readers-site). Other types keep their default; an empty "
            "text: no page."
        ),
    ] = {}
    feeds: Annotated[
        bool,
        Field(
            description="Whether feeds, sitemaps, `/robots.txt` and documents of articles are served at the "
            "paths of the reader's site; see [Feeds](feeds.md)."
        ),
    ] = True
    feed_items: Annotated[int, Field(ge=1, le=100, description="Maximum number of articles in a feed.")] = 50
    feed_sources: Annotated[
        bool,
        Field(description="Whether the text of an article in a feed ends with a list of its sources."),
    ] = False
    demo: Annotated[
        bool,
        Field(
            description="Whether the demo newsroom is served: loaded at the first start, with its pictures "
            "at `/demo/media/`."
        ),
    ] = False
    graphiql: Annotated[bool, Field(description="Whether `/graphiql` is served.")] = True
    base_url: Annotated[
        str | None,
        Field(
            description="URL under which clients reach this server, such as `https://api.example.org` or "
            "`https://example.org/cms`; preview links and the pictures of the demo begin with it. Default: "
            "the host of each request."
        ),
    ] = None
    preview_url_template: Annotated[
        str,
        Field(
            description="URL of preview links, with `{token}` and optionally `{slug}`; a path is one on this "
            "server. Empty: `/preview/{token}`.",
            pattern=r"^$|\{token\}",
        ),
    ] = ""
    four_eyes: Annotated[
        bool,
        Field(
            description="Whether an article needs the approval of a person who has not written it, before it "
            "is published or scheduled."
        ),
    ] = False
    trusted_documents: Annotated[
        Literal["optional", "required"],
        Field(description="`optional`: every document is executed; `required`: only trusted documents."),
    ] = "optional"
    cors_origins: Annotated[
        str,
        Field(
            description="Origins whose pages may send requests, such as `https://example.org`, separated by "
            "commas; `*`: all."
        ),
    ] = "*"
    cors_headers: Annotated[
        str,
        Field(
            description="Names of further request headers that pages of other sites may send, such as "
            "`x-datadog-trace-id`, separated by commas."
        ),
    ] = ""
    allowed_hosts: Annotated[
        str,
        Field(
            description="Host names that requests may name, such as `example.org, *.example.org`, without "
            "ports; `*`: all. Health checks may name any."
        ),
    ] = "*"
    redis_url: Annotated[
        str,
        Field(
            description="URL of the Redis or Valkey that several machines share, such as "
            "`redis://host:6379/0`."
        ),
    ] = ""
    response_cache_bytes: Annotated[
        int, Field(ge=0, description="Response cache size in bytes per worker; 0 disables it.")
    ] = 67_108_864
    max_body_bytes: Annotated[int, Field(ge=1024, description="Largest request body in bytes.")] = 1_048_576
    max_websockets_per_address: Annotated[
        int,
        Field(
            ge=1,
            description="Maximum number of WebSocket connections and event streams from one address, per "
            "worker.",
        ),
    ] = 100
    max_document_tokens: Annotated[
        int, Field(ge=10, description="Maximum number of tokens in a document.")
    ] = 2_000
    max_query_depth: Annotated[
        int, Field(ge=2, description="Maximum nesting depth of a document, edges and nodes included.")
    ] = 15
    max_aliases: Annotated[int, Field(ge=0, description="Maximum number of aliases in an operation.")] = 50
    max_root_fields: Annotated[
        int, Field(ge=1, description="Maximum number of root fields in an operation.")
    ] = 20
    max_query_cost: Annotated[
        int, Field(ge=1, description="Maximum cost of an operation: the number of objects that it may read.")
    ] = 10_000
    operation_timeout_seconds: Annotated[
        float, Field(gt=0, le=300, description="Maximum duration of an operation in seconds.")
    ] = 5.0
    rate_limit_cost_per_minute: Annotated[
        int,
        Field(
            ge=0,
            description="Cost that an address or account may use per minute; 0: unlimited. By default, only "
            "public addresses are limited.",
        ),
    ] = 100_000
    max_concurrent_operations: Annotated[
        int,
        Field(
            ge=1,
            description="Maximum number of operations that a worker executes at once; a limited number of "
            "others wait up to a second.",
        ),
    ] = 64
    max_connections_per_address: Annotated[
        int,
        Field(
            ge=1,
            description="Maximum number of connections from one address, per worker; trusted proxies do not "
            "count.",
        ),
    ] = 1_000
    http_protocol: Annotated[
        Literal["contentql", "uvicorn"],
        Field(
            description="`contentql`: connections have time and size limits, cached responses start no task. "
            "`uvicorn`: uvicorn's own protocol classes, for use behind a proxy that has such limits."
        ),
    ] = "contentql"
    header_timeout_seconds: Annotated[
        float, Field(gt=0, description="Maximum time in seconds to receive the headers of a request.")
    ] = 20.0
    trusted_proxies: Annotated[
        str,
        Field(
            description="Networks of proxies whose `X-Forwarded-For` or `Forwarded` header is trusted, "
            "separated by commas."
        ),
    ] = ""
    drain_seconds: Annotated[
        float,
        Field(
            ge=0,
            le=300,
            description="Time in seconds after SIGTERM during which `/health/ready` returns 503 and requests "
            "are still accepted.",
        ),
    ] = 1.0

    oidc_issuer: Annotated[
        str,
        Field(description="Issuer (`iss`) whose JWTs are accepted, such as `https://id.example.org/`."),
    ] = ""
    oidc_audience: Annotated[str, Field(description="Audience (`aud`) that a JWT must contain.")] = ""
    oidc_jwks_url: Annotated[str, Field(description="URL or file of the issuer's public keys (JWKS).")] = ""
    oidc_role_claim: Annotated[
        str,
        Field(min_length=1, description="Claim of a JWT that contains the role; dots lead into objects."),
    ] = "contentql_role"
    oidc_leeway_seconds: Annotated[
        float, Field(ge=0, le=600, description="Accepted difference to the issuer's clock in seconds.")
    ] = 30.0

    webhook_networks: Annotated[
        str,
        Field(
            description="Private networks that webhooks and purges of a CDN may go to, also without TLS, "
            "separated by commas, such as `10.0.0.0/8`. By default only `https://` to public addresses."
        ),
    ] = ""
    cdn: Annotated[
        Literal["", "fastly", "cloudflare", "varnish", "http"],
        Field(description="CDN that is purged by tag when content changes; empty: none."),
    ] = ""
    cdn_url: Annotated[
        str,
        Field(
            description="URL of purge requests, with `varnish` and `http`; several are separated by commas. "
            "Default: the API of Fastly or Cloudflare."
        ),
    ] = ""
    cdn_service: Annotated[
        str, Field(description="Fastly's service id or Cloudflare's zone id.", pattern=r"^[A-Za-z0-9]*$")
    ] = ""
    cdn_token: Annotated[
        str, Field(description="API token of the CDN.", pattern=r"^[\x21-\x7e]*$", repr=False)
    ] = ""
    cdn_headers: Annotated[
        dict[str, str],
        Field(
            description="With `http`: request headers as a JSON object, in which `{token}`, `{tag_list}` "
            "(tags separated by commas) and `{tags}` (a JSON array) are replaced, such as "
            '`{"AccessKey": "{token}"}`.'
        ),
    ] = {}
    cdn_body: Annotated[
        str, Field(description="With `http`: request body, in which the same is replaced.")
    ] = '{"tags": {tags}}'

    access_log: Annotated[
        Literal["all", "errors", "off"],
        Field(description="Requests to log: `all`, `errors` (5xx and slow ones) or `off`."),
    ] = "errors"
    log_format: Annotated[
        Literal["json", "text"], Field(description="Format of log lines: `json` or `text`.")
    ] = "json"
    slow_request_seconds: Annotated[
        float, Field(gt=0, description="Duration in seconds from which a request is logged as slow.")
    ] = 1.0
    metrics_access: Annotated[
        Literal["local", "all", "off"],
        Field(
            description="Clients that may read `/metrics`: `local` (this machine, not through a proxy), `all`"
            " or `off`."
        ),
    ] = "local"
    metrics_networks: Annotated[
        str,
        Field(
            description="With `local`: networks whose clients may read `/metrics` too, not through a proxy, "
            "separated by commas."
        ),
    ] = ""
    metrics_token: Annotated[
        str,
        Field(
            description="Token that `/metrics` requires as `Authorization: Bearer …`, of at least 16 "
            "characters; empty: none.",
            pattern=r"^$|^[A-Za-z0-9._~+/-]{16,}=*$",
        ),
    ] = ""
    metrics_dir: Annotated[
        str,
        Field(
            description="Folder of the counters that workers share; `auto`: a temporary folder, removed when "
            "the server stops."
        ),
    ] = "auto"
    tracing: Annotated[
        bool,
        Field(
            description="Whether traces are exported to OpenTelemetry; `OTEL_` variables configure the "
            "exporter."
        ),
    ] = False

    @field_validator("base_url")
    @classmethod
    def _is_base_url(cls, text: str | None) -> str | None:
        return _base_url(text) if text else None

    @field_validator("trusted_proxies", "metrics_networks", "webhook_networks")
    @classmethod
    def _are_networks(cls, text: str) -> str:
        _networks(text)
        return text

    @field_validator("allowed_hosts")
    @classmethod
    def _are_hosts(cls, text: str) -> str:
        names = _list(text)
        for name in names:
            if not _HOST.fullmatch(name):
                raise ValueError(f"{name!r} is not a host name without port, such as example.org")
        if not names:
            raise ValueError("at least one host name is needed, or * for all")
        return text

    @field_validator("site_url", "site_logo")
    @classmethod
    def _is_site_url(cls, text: str) -> str:
        return _base_url(text) if text else ""

    @field_validator("url_patterns")
    @classmethod
    def _are_patterns(cls, texts: dict[str, str]) -> dict[str, str]:
        parse_patterns(texts)
        return texts

    @field_validator("cors_headers")
    @classmethod
    def _are_header_names(cls, text: str) -> str:
        for name in _list(text):
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError(f"{name!r} is not the name of a header, such as x-datadog-trace-id")
        return text

    @field_validator("site_languages")
    @classmethod
    def _are_languages(cls, text: str) -> str:
        try:
            return ",".join(map(normalize_language_tag, _list(text)))
        except LanguageTagError as exc:
            raise ValueError(f"each language {exc}") from None

    @property
    def site(self) -> Site:
        return Site(
            self.site_name,
            _list(self.site_languages),
            self.site_url,
            self.site_logo,
            parse_patterns(self.url_patterns),
        )

    @property
    def trusted_proxy_networks(self) -> tuple[Network, ...]:
        return _networks(self.trusted_proxies)

    @property
    def webhook_network_list(self) -> tuple[Network, ...]:
        return _networks(self.webhook_networks)

    @property
    def cdn_url_list(self) -> tuple[str, ...]:
        return _list(self.cdn_url)

    @property
    def metrics_network_list(self) -> tuple[Network, ...]:
        return _networks(self.metrics_networks)

    @property
    def allowed_host_list(self) -> tuple[str, ...]:
        return _list(self.allowed_hosts)

    @property
    def cors_origin_list(self) -> tuple[str, ...]:
        return _list(self.cors_origins)

    @property
    def cors_header_list(self) -> tuple[str, ...]:
        return _list(self.cors_headers)


def load_settings(**overrides: object) -> Settings:
    """Loads settings from the environment; overrides other than None take precedence.

    Raises OperatorError if one is not valid.
    """
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as exc:
        first = exc.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "?"
        message = first["msg"].removeprefix("Value error, ")
        reason = message[0].lower() + message[1:]
        value = "the value that it has" if name.endswith("_token") else repr(first["input"])
        raise OperatorError(f"CONTENTQL_{name.upper()} cannot be {value}: {reason}.") from None


def _base_url(text: str) -> str:
    """The URL without slashes at its end. Raises ValueError."""
    url = urlsplit(text)
    if "@" in url.netloc:
        raise ValueError("the URL must not contain credentials")
    if url.query or url.fragment or "?" in text or "#" in text:
        raise ValueError("the URL must have no query and no fragment")
    if url.scheme not in ("http", "https") or not _NETLOC.fullmatch(url.netloc):
        raise ValueError("the URL must begin with http:// or https:// and a host name")
    if not _PATH.fullmatch(url.path):
        raise ValueError("special characters of the path must be encoded, such as %20 for a space")
    if url.port == 0:  # a larger one than 65535 is a ValueError already
        raise ValueError("the port must be from 1 to 65535")
    return text.rstrip("/")


def _networks(text: str) -> tuple[Network, ...]:
    """Parses networks separated by commas, such as `10.0.0.0/8, 2001:db8::1`."""
    return tuple(ip_network(part) for part in _list(text))


def _list(text: str) -> tuple[str, ...]:
    """Splits a text at its commas; empty parts are left out."""
    return tuple(filter(None, (part.strip() for part in text.split(","))))
