"""Documents by id: automatic persisted queries and trusted documents."""

from __future__ import annotations

from contentql.errors import ApiError
from contentql.lru import LRUCache
from contentql.store.trusted_documents import TrustedDocumentStore, sha256
from contentql.web.requests import GraphQLRequestData

_MAX_TEXTS, _MAX_CHARACTERS = 2_000, 8_000_000


class PersistedQueries:
    """`only_trusted`: only trusted documents are executed, however they are sent."""

    def __init__(self, documents: TrustedDocumentStore, *, only_trusted: bool = False) -> None:
        self.documents = documents
        self.only_trusted = only_trusted
        self._sent: LRUCache[str, str] = LRUCache(_MAX_TEXTS, _MAX_CHARACTERS)

    async def resolve(self, data: GraphQLRequestData) -> tuple[str, str | None]:
        """The text of the document and, if it is trusted, its id.

        Raises ApiError if the id is unknown or is not that of the text.
        """
        if data.document_id is not None:
            return await self._trusted(data.document_id), data.document_id
        if data.query is None:
            return await self._named(data.persisted or "")
        own = sha256(data.query) if data.persisted or self.only_trusted else None
        if data.persisted and data.persisted != own:
            raise ApiError(
                "BAD_REQUEST",
                "`sha256Hash` is not the SHA-256 of `query`.",
                "Hash the text exactly as it is sent, in UTF-8.",
            )
        if not self.only_trusted:
            return data.query, None
        if await self.documents.text(own or "") is None:
            raise ApiError(
                "DOCUMENT_NOT_TRUSTED",
                "Only documents that were let in are answered here.",
                "Send the `documentId` of one, or ask the operator to let this one in.",
            )
        return data.query, own

    def remember(self, data: GraphQLRequestData, trusted: str | None, cost: int, *, valid: bool) -> None:
        """Store a valid text under its hash; count the use of a trusted document."""
        if trusted is not None:
            self.documents.count_use(trusted, cost)
        elif data.persisted and data.query and valid:
            self._sent.set(data.persisted, data.query, len(data.query))

    async def _trusted(self, id: str) -> str:
        text = await self.documents.text(id)
        if text is None:
            raise ApiError(
                "DOCUMENT_NOT_FOUND",
                "No trusted document has this id.",
                "Let it in with: contentql documents add",
            )
        return text

    async def _named(self, hash: str) -> tuple[str, str | None]:
        sent = self._sent.get(hash)
        if sent is not None:
            return sent, None
        text = await self.documents.text(hash)
        if text is None:
            # Clients read these very words, and then send the text along.
            raise ApiError("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
        return text, hash
