"""Documents that clients name instead of sending: automatic persisted queries, and trusted documents.

Knows texts and their names; does not know what they ask for.
"""

from __future__ import annotations

from contentql.bounded import Remembered
from contentql.errors import Refused
from contentql.store.documents import Documents, sha256
from contentql.web.request import Given

_MOST, _CHARACTERS = 2_000, 8_000_000


class Persisted:
    """`only_trusted`: no text is answered that the operator has not let in, however it is sent."""

    def __init__(self, documents: Documents, *, only_trusted: bool = False) -> None:
        self.documents = documents
        self.only_trusted = only_trusted
        self._sent: Remembered[str, str] = Remembered(_MOST, _CHARACTERS)

    async def text(self, given: Given) -> str:
        """The document that is meant. Refused when its name is not known or is not its own."""
        if given.document_id is not None:
            text = await self.documents.text(given.document_id)
            if text is None:
                raise Refused(
                    "DOCUMENT_NOT_FOUND",
                    "No trusted document has this id.",
                    "Let it in with: contentql documents add",
                )
            return text
        if given.query is None:
            return await self._named(given.persisted or "")
        own = sha256(given.query) if given.persisted or self.only_trusted else None
        if given.persisted and given.persisted != own:
            raise Refused(
                "BAD_REQUEST",
                "`sha256Hash` is not the SHA-256 of `query`.",
                "Hash the text exactly as it is sent, in UTF-8.",
            )
        if self.only_trusted and await self.documents.text(own or "") is None:
            raise Refused(
                "DOCUMENT_NOT_TRUSTED",
                "Only documents that were let in are answered here.",
                "Send the `documentId` of one, or ask the operator to let this one in.",
            )
        return given.query

    def answered(self, given: Given, cost: int, *, valid: bool) -> None:
        """Remembers a text under its hash once it has turned out to be a document; counts the trusted."""
        if given.document_id is not None:
            self.documents.used(given.document_id, cost)
        elif given.persisted and given.query and valid and not self.only_trusted:
            self._sent.put(given.persisted, given.query, len(given.query))

    async def _named(self, hash: str) -> str:
        text = self._sent.get(hash) or await self.documents.text(hash)
        if text is None:
            # Clients read these very words, and then send the text along.
            raise Refused("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
        return text
