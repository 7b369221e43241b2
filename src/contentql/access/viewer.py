"""Who is asking. So far everybody is the public."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Viewer:
    """`name` is what a token was given to; the public has none."""

    name: str | None = None
    role: str = "READER"

    @property
    def facts(self) -> dict[str, str | None]:
        """The viewer as the API shows it."""
        return {"name": self.name, "role": self.role, "sees": "What is published, and nothing else."}
