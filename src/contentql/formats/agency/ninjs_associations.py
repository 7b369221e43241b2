"""Associations of ninjs items: media, texts that are items of their own, and references to others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from contentql.content.enums import MediaKind
from contentql.formats.agency.ninjs_media import media_kind
from contentql.formats.agency.ninjs_properties import NinjsItem, inner_text, read_properties
from contentql.formats.agency.ninjs_texts import text_parts

MAX_ASSOCIATIONS: Final = 1_000  # of one item, with those of its media
_MAX_NESTING: Final = 4


@dataclass(frozen=True)
class AssociatedMedia:
    """A media item with its name in the item and its relation to it, "" if it has none."""

    item: NinjsItem
    kind: MediaKind
    name: str
    relation: str


@dataclass
class Associations:
    """What an item is associated with. `texts`: items with a body; `references`: what is named only."""

    media: list[AssociatedMedia] = field(default_factory=list)
    texts: list[dict[str, Any]] = field(default_factory=list)
    references: list[dict[str, Any]] = field(default_factory=list)
    omitted: int = 0  # those after MAX_ASSOCIATIONS, or nested too deep

    @classmethod
    def of(cls, item: NinjsItem) -> Associations:
        """The associations of an item, and of its media and groups of media."""
        result = cls()
        result._add(item, 0)
        return result

    def _add(self, item: NinjsItem, nesting: int) -> None:
        for values in item.objects("associations"):
            count = len(self.media) + len(self.texts) + len(self.references)
            if count >= MAX_ASSOCIATIONS or nesting >= _MAX_NESTING:
                self.omitted += 1
                continue
            associated = read_properties(values)
            kind = media_kind(associated)
            name, relation = inner_text(values, "name"), inner_text(values, "rel")
            if kind:
                self.media.append(AssociatedMedia(associated, kind, name, relation))
                self._add(associated, nesting + 1)
            elif associated.text("uri") and text_parts(associated, "bodies"):
                self.texts.append(values)
            elif associated.objects("associations"):
                self._add(associated, nesting + 1)
            else:
                self.references.append(values)
