"""Every setting: its name, default and meaning. `CONTENTQL_…` in the environment, or a flag."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from contentql.errors import OperatorError

Network = IPv4Network | IPv6Network


class Settings(BaseSettings):
    """Checked when the program starts; a wrong one is named in a sentence."""

    model_config = SettingsConfigDict(env_prefix="CONTENTQL_", extra="ignore")

    database_url: Annotated[str, Field(description="Where the newsroom is kept: SQLite or PostgreSQL.")] = (
        "sqlite:///newsroom.sqlite3"
    )
    host: Annotated[str, Field(description="The address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535, description="The port to listen on.")] = 8000
    workers: Annotated[int, Field(ge=1, le=64, description="Server processes that share the port.")] = 1
    read_pool_size: Annotated[
        int,
        Field(
            ge=0,
            le=200,
            description="Connections that read at once, each worker; 0: 2 on SQLite, 10 on PostgreSQL.",
        ),
    ] = 0
    graphiql: Annotated[bool, Field(description="Whether /graphiql is served.")] = True
    preview_url_template: Annotated[
        str,
        Field(
            description="Where preview links lead, with `{token}` and maybe `{slug}` in it; empty: to our own"
            " page, `/preview/{token}`.",
            pattern=r"^$|\{token\}",
        ),
    ] = ""
    trusted_documents: Annotated[
        Literal["optional", "required"],
        Field(description="`any`: whatever clients write is answered; `trusted`: only what was let in."),
    ] = "optional"
    search_languages: Annotated[
        str,
        Field(
            description="Languages whose endings search knows, BCP 47, separated by commas.",
            pattern=r"^[a-zA-Z, -]*$",
        ),
    ] = "en"
    cors_origins: Annotated[
        str,
        Field(
            description="Sites whose pages may ask, as `https://example.org`, separated by commas; `*`: all."
        ),
    ] = "*"
    redis_url: Annotated[
        str, Field(description="Redis or Valkey for what several machines share, as `redis://host:6379/0`.")
    ] = ""
    response_cache_bytes: Annotated[
        int, Field(ge=0, description="Memory for whole answers, each worker; 0 remembers none.")
    ] = 67_108_864
    max_body_bytes: Annotated[int, Field(ge=1024, description="Largest request body.")] = 1_048_576
    max_websockets_per_address: Annotated[
        int, Field(ge=1, description="Most WebSockets from one address, each worker.")
    ] = 100
    max_document_tokens: Annotated[int, Field(ge=10, description="Most tokens in a document.")] = 2_000
    max_query_depth: Annotated[
        int, Field(ge=2, description="Most levels of nesting, edges and nodes counted.")
    ] = 15
    max_aliases: Annotated[int, Field(ge=0, description="Most aliases in an operation.")] = 50
    max_root_fields: Annotated[int, Field(ge=1, description="Most root fields in an operation.")] = 20
    max_query_cost: Annotated[int, Field(ge=1, description="Most objects an operation may read.")] = 10_000
    operation_timeout_seconds: Annotated[
        float, Field(gt=0, le=300, description="How long an operation may run.")
    ] = 5.0
    rate_limit_cost_per_minute: Annotated[
        int,
        Field(
            ge=0,
            description="Cost an address or account may ask for a minute; 0: no end. Unless set, from public"
            " addresses only.",
        ),
    ] = 100_000
    max_concurrent_operations: Annotated[
        int,
        Field(ge=1, description="Most operations that run at once, each worker; a few more wait a second."),
    ] = 64
    max_connections_per_address: Annotated[
        int,
        Field(
            ge=1, description="Most connections from one address, each worker; trusted proxies do not count."
        ),
    ] = 1_000
    header_timeout_seconds: Annotated[
        float, Field(gt=0, description="How long a client may take to send a request's headers.")
    ] = 20.0
    trusted_proxies: Annotated[
        str,
        Field(description="Proxies whose `X-Forwarded-For` or `Forwarded` is believed: networks, by commas."),
    ] = ""
    drain_seconds: Annotated[
        float,
        Field(
            ge=0,
            le=300,
            description="How long after SIGTERM /health/ready says 503 before the door is closed.",
        ),
    ] = 1.0

    oidc_issuer: Annotated[
        str,
        Field(description="Who else's tokens (JWT) are taken: their `iss`, as `https://id.example.org/`."),
    ] = ""
    oidc_audience: Annotated[str, Field(description="The `aud` that those tokens must be made for.")] = ""
    oidc_jwks_url: Annotated[
        str, Field(description="The issuer's public keys: the URL of its JWKS, or a file with one.")
    ] = ""
    oidc_role_claim: Annotated[
        str,
        Field(min_length=1, description="Where those tokens say the role, with dots into objects."),
    ] = "contentql_role"
    oidc_leeway_seconds: Annotated[
        float, Field(ge=0, le=600, description="How far the issuer's clock may be off.")
    ] = 30.0

    access_log: Annotated[
        Literal["all", "errors", "off"],
        Field(description="Which requests are logged: `all`, `errors` (5xx and slow ones) or `off`."),
    ] = "errors"
    log_format: Annotated[
        Literal["json", "text"], Field(description="How log lines are written: `json` or `text`.")
    ] = "json"
    slow_request_seconds: Annotated[
        float, Field(gt=0, description="How long a request may take before it is logged as slow.")
    ] = 1.0
    metrics_access: Annotated[
        Literal["local", "all", "off"],
        Field(description="Who may read /metrics: `local` (this machine, through no proxy), `all` or `off`."),
    ] = "local"
    metrics_dir: Annotated[
        str,
        Field(description="Where workers keep the counts they share; `auto`: as long as the server runs."),
    ] = "auto"
    tracing: Annotated[
        bool, Field(description="Whether OpenTelemetry gets spans; the OTEL_ variables say where to.")
    ] = False

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, text: str) -> str:
        _networks(text)
        return text

    @property
    def trusted_proxy_networks(self) -> tuple[Network, ...]:
        return _networks(self.trusted_proxies)

    @property
    def cors_origin_list(self) -> tuple[str, ...]:
        return tuple(filter(None, (part.strip() for part in self.cors_origins.split(","))))

    @property
    def search_language_list(self) -> tuple[str, ...]:
        return tuple(filter(None, (part.strip() for part in self.search_languages.split(","))))


def load_settings(**overrides: object) -> Settings:
    """The environment's settings, with `given` ones (flags; None is not given) on top. Raises Unusable."""
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as exc:
        first = exc.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "?"
        why = first["msg"][0].lower() + first["msg"][1:]
        raise OperatorError(f"CONTENTQL_{name.upper()} cannot be {first['input']!r}: {why}.") from None


def _networks(text: str) -> tuple[Network, ...]:
    """As in 10.0.0.0/8, 2001:db8::1."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
