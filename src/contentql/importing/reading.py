"""Items of the files of an import, in their order."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from contentql.content.import_item import ImportItem
from contentql.content.records import FormatError
from contentql.formats.registry import detect_format, load_format
from contentql.formats.source_file import ReadOptions, SourceFile

log = logging.getLogger("contentql")


def read_items(
    sources: Iterable[SourceFile | ImportItem], options: ReadOptions, format: str | None = None
) -> Iterator[ImportItem]:
    """Reads the items of files, in the named format or that of their content.

    A file that cannot be read becomes an item with the error; the others are read.
    """
    for source in sources:
        if isinstance(source, ImportItem):
            yield source
            continue
        try:
            reader = load_format(format) if format else detect_format(source.head, source.name)
            source.file.seek(0)
            yield from reader.read(source, options)
        except FormatError as exc:
            yield ImportItem(source.name, error=str(exc))
        except OSError as exc:
            yield ImportItem(source.name, error=f"cannot be read: {exc.strerror or exc}")
        except RecursionError:
            yield ImportItem(source.name, error="the file is nested too deep")
        except Exception as exc:
            # An error of a reader must not stop the import of the other files.
            log.exception("%s cannot be read", source.name)
            error = f"the file cannot be read: {type(exc).__name__}: {str(exc)[:200]}"
            yield ImportItem(source.name, error=error)
