"""Every setting: its name, default and meaning. `CONTENTQL_…` in the environment, or a flag."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from contentql.errors import Unusable


class Settings(BaseSettings):
    """Checked when the program starts; a wrong one is named in a sentence."""

    model_config = SettingsConfigDict(env_prefix="CONTENTQL_", extra="ignore")

    database_url: Annotated[str, Field(description="Where the newsroom is kept: SQLite or PostgreSQL.")] = (
        "sqlite:///newsroom.sqlite3"
    )
    host: Annotated[str, Field(description="The address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535, description="The port to listen on.")] = 8000
    workers: Annotated[int, Field(ge=1, le=64, description="Server processes that share the port.")] = 1
    readers: Annotated[
        int,
        Field(
            ge=0,
            le=200,
            description="Connections that read at once, each worker; 0: 2 on SQLite, 10 on PostgreSQL.",
        ),
    ] = 0
    graphiql: Annotated[bool, Field(description="Whether /graphiql is served.")] = True
    search_languages: Annotated[
        str,
        Field(
            description="Languages whose endings search knows, BCP 47, separated by commas.",
            pattern=r"^[a-zA-Z, -]*$",
        ),
    ] = "en"
    max_body_bytes: Annotated[int, Field(ge=1024, description="Largest request body.")] = 1_048_576
    max_tokens: Annotated[int, Field(ge=10, description="Most tokens in a document.")] = 2_000
    max_depth: Annotated[int, Field(ge=2, description="Most levels of nesting, edges and nodes counted.")] = (
        15
    )
    max_aliases: Annotated[int, Field(ge=0, description="Most aliases in an operation.")] = 50
    max_root_fields: Annotated[int, Field(ge=1, description="Most root fields in an operation.")] = 20
    max_cost: Annotated[int, Field(ge=1, description="Most objects an operation may read.")] = 10_000
    max_seconds: Annotated[float, Field(gt=0, le=300, description="How long an operation may run.")] = 5.0

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(filter(None, (part.strip() for part in self.search_languages.split(","))))


def load(**given: object) -> Settings:
    """The environment's settings, with `given` ones (flags; None is not given) on top. Raises Unusable."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as fault:
        first = fault.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "?"
        why = first["msg"][0].lower() + first["msg"][1:]
        raise Unusable(f"CONTENTQL_{name.upper()} cannot be {first['input']!r}: {why}.") from None
