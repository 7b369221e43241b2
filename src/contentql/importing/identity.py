"""What identifies the content of an import item, by which a repeated or older one is recognised."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any

import orjson

from contentql.content.import_item import ImportItem
from contentql.content.records import ArticleRecord
from contentql.importing.lookup import LastImport
from contentql.importing.report import SaveResult
from contentql.importing.statuses import ImportOptions, choose_status
from contentql.store.models.taxonomy import ExternalId


@dataclass(frozen=True)
class Identity:
    """What identifies the content of an item in later imports, see `ExternalId`."""

    content_hash: str | None
    source_version: int | None
    source_modified_at: dt.datetime | None

    @classmethod
    def of(
        cls, item: ImportItem, record: ArticleRecord, options: ImportOptions, now: dt.datetime
    ) -> Identity:
        """The identity of an item with its record before references are resolved."""
        status = choose_status(item, record, options, now, None).record.status
        records = () if item.fingerprint else (record, *item.media, *item.references)
        content = [
            item.fingerprint,
            [each.model_dump(mode="json", by_alias=True, exclude_defaults=True) for each in records],
            [item.addresses, item.source_status, sorted(item.derived)],
            [options.category, options.publish_at, status, options.create],
        ]
        digest = hashlib.sha256(orjson.dumps(content)).hexdigest()
        return cls(digest, item.source_version, item.source_modified_at)

    def compare(self, last: LastImport) -> SaveResult | None:
        """The result for an item that is that of the last import, or older; None for another one."""
        if self.content_hash and self.content_hash == last.content_hash:
            return SaveResult("unchanged", article_id=last.article_id)
        version, stored = self.source_version, last.source_version
        if version is not None and stored is not None:
            if version < stored:
                reason = f"version {stored} was imported before, which is newer than version {version}"
                return SaveResult("skipped", reason, article_id=last.article_id)
            if version > stored:
                return None
        at, before = self.source_modified_at, last.source_modified_at
        if at is not None and before is not None and at < before:
            reason = f"a newer version, of {before:%Y-%m-%d %H:%M:%S}Z, was imported before"
            return SaveResult("skipped", reason, article_id=last.article_id)
        return None

    def columns(self) -> dict[str, Any]:
        """The columns of the external ids of the item."""
        return {
            "content_hash": self.content_hash,
            "source_version": self.source_version,
            "source_modified_at": self.source_modified_at,
        }

    def of_article(self, article_id: int) -> LastImport:
        return LastImport(article_id, self.content_hash, self.source_version, self.source_modified_at)

    async def save(self, article_id: int, record: ArticleRecord) -> None:
        """Stores the identity with the external ids of the item's record."""
        systems = {key.system for key in record.external_ids}
        values = {key.value for key in record.external_ids}
        rows = ExternalId.filter(article_id=article_id, system__in=systems, value__in=values)
        await rows.update(**self.columns())


NO_IDENTITY = Identity(None, None, None)
