"""The files of an import: single files, folders, archives, compressed files and standard input.

An archive is never extracted: its members are read one by one. Each is copied to a temporary file first if it
cannot be read at any position, with at most MAX_MEMBER_BYTES. Invariant: no network, no path outside of what
was named.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import stat
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Final, cast

from contentql.content.import_item import ImportItem
from contentql.formats.source_file import HEAD_BYTES, SourceFile

STDIN: Final = "standard input"
MAX_MEMBER_BYTES: Final = 2 * 1024**3  # of a file in an archive, or of a compressed file
MAX_ARCHIVE_BYTES: Final = 8 * 1024**3  # of all files in an archive
MAX_MEMBERS: Final = 200_000
MAX_RATIO: Final = 1_000  # of the sizes of a file and its compressed form; a text reaches about 20
_RATIO_BYTES: Final = 16 * 1024**2  # up to which the ratio does not matter
_MEMORY_BYTES: Final = 4 * 1024**2  # of a temporary file before it is on the disk
_CHUNK: Final = 1 << 20
_COMPRESSED: Final[Mapping[bytes, Callable[..., Any]]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
_SKIPPED_NAMES: Final = frozenset(("__MACOSX", "Thumbs.db", "desktop.ini"))
_READ_ERRORS: Final = (
    OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, tarfile.TarError,
    lzma.LZMAError, zlib.error,
)  # fmt: skip


class _Refused(Exception):
    """A file that is not read; the message continues a sentence."""


@dataclass
class _Budget:
    """Bytes that the files of one archive may still have; `compressed` is the size of the archive."""

    compressed: int
    remaining: int = MAX_ARCHIVE_BYTES
    used: int = field(default=0)

    def take(self, count: int) -> None:
        self.used += count
        self.remaining -= count
        if self.remaining < 0:
            raise _Refused(f"the archive has more than {MAX_ARCHIVE_BYTES // 1024**3} GiB of files")
        if self.used > _RATIO_BYTES and self.used > MAX_RATIO * self.compressed:
            raise _Refused("the file grows out of all proportion when it is decompressed")

    def give_back(self, count: int) -> None:
        """Takes back what a refused file has used: those after it are read."""
        self.used -= count
        self.remaining += count


def open_sources(names: list[str]) -> Iterator[SourceFile | ImportItem]:
    """Opens the files one after the other; each is closed when the next one is opened.

    A folder has all its files, by name, without hidden ones. What cannot be read is an item with an error.
    """
    for name in names:
        if name == "-":
            yield from _open_stdin()
        elif Path(name).is_dir():
            for path in files_of(Path(name)):
                yield from _open_path(str(path), path)
        else:
            yield from _open_path(name, Path(name))


def files_of(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _is_skipped(name))
        for name in sorted(names):
            if not _is_skipped(name):
                yield Path(parent) / name


def _is_skipped(name: str) -> bool:
    return name.startswith(".") or name in _SKIPPED_NAMES


def _open_stdin() -> Iterator[SourceFile | ImportItem]:
    with tempfile.SpooledTemporaryFile(_MEMORY_BYTES) as file:
        digest = hashlib.sha256()
        while chunk := sys.stdin.buffer.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
        # Standard input has no name: the same page is recognised, a changed one is a new page.
        yield from _open_file(STDIN, f"sha256:{digest.hexdigest()}", cast(BinaryIO, file))


def _open_path(name: str, path: Path) -> Iterator[SourceFile | ImportItem]:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            with path.open("rb") as pipe, tempfile.SpooledTemporaryFile(_MEMORY_BYTES) as file:
                _copy(cast(BinaryIO, pipe), cast(BinaryIO, file), _Budget(MAX_ARCHIVE_BYTES))
                yield from _open_file(name, os.path.abspath(name), cast(BinaryIO, file))
            return
        with path.open("rb") as file:
            yield from _open_file(name, os.path.abspath(name), file)
    except OSError as exc:
        yield ImportItem(name, error=f"cannot be read: {exc.strerror or exc}")
    except _Refused as exc:
        yield ImportItem(name, error=str(exc))


def _open_file(name: str, identity: str, file: BinaryIO) -> Iterator[SourceFile | ImportItem]:
    """Opens a file, the files of an archive, or a compressed file."""
    head = _head(file)
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        yield from _guarded(name, _open_zip(name, identity, file, _Budget(size)))
    elif opener := next((opener for magic, opener in _COMPRESSED.items() if head.startswith(magic)), None):
        with tempfile.SpooledTemporaryFile(_MEMORY_BYTES) as plain:
            target = cast(BinaryIO, plain)
            try:
                _copy(cast(BinaryIO, opener(file)), target, _Budget(size))
            except (*_READ_ERRORS, _Refused) as exc:
                yield ImportItem(name, error=_description(exc))
                return
            yield from _open_plain(name, identity, target)
    else:
        yield from _open_plain(name, identity, file)


def _open_plain(name: str, identity: str, file: BinaryIO) -> Iterator[SourceFile | ImportItem]:
    head = _head(file)
    if head[257:262] == b"ustar":
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        yield from _guarded(name, _open_tar(name, identity, file, _Budget(size)))
    else:
        yield SourceFile(name, identity, file, head)


def _open_zip(name: str, identity: str, file: BinaryIO, budget: _Budget) -> Iterator[SourceFile | ImportItem]:
    with zipfile.ZipFile(file) as archive:
        members = sorted((m for m in archive.infolist() if not m.is_dir()), key=lambda m: m.filename)
        if len(members) > MAX_MEMBERS:
            raise _Refused(f"the archive has more than {MAX_MEMBERS:,} files")
        for member in members:
            is_link = stat.S_ISLNK(member.external_attr >> 16)
            yield from _open_member(
                name, identity, member.filename, is_link, partial(archive.open, member), budget
            )


def _open_tar(name: str, identity: str, file: BinaryIO, budget: _Budget) -> Iterator[SourceFile | ImportItem]:
    with tarfile.open(fileobj=file, mode="r:") as archive:
        for number, member in enumerate(archive):
            if number >= MAX_MEMBERS:
                raise _Refused(f"the archive has more than {MAX_MEMBERS:,} files")
            if member.isdir():
                continue
            yield from _open_member(
                name,
                identity,
                member.name,
                not member.isfile(),
                partial(_extract, archive, member),
                budget,
            )


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Any:
    file = archive.extractfile(member)
    assert file is not None, "the member is a file"
    return file


def _open_member(
    archive: str, identity: str, path: str, is_special: bool, opener: Callable[[], Any], budget: _Budget
) -> Iterator[SourceFile | ImportItem]:
    """Opens a file in an archive, unless its path leads out of it or it is no file."""
    parts = PurePosixPath(path.replace("\\", "/"))
    if any(_is_skipped(part) for part in parts.parts if part != ".."):
        return
    name = f"{archive}/{path}"
    if parts.is_absolute() or ".." in parts.parts or (len(path) > 1 and path[1] == ":") or "\0" in path:
        yield ImportItem(name, error="the path leads out of the archive; the file was not read")
        return
    if is_special:
        yield ImportItem(name, error="a link in an archive is not followed")
        return
    with tempfile.SpooledTemporaryFile(_MEMORY_BYTES) as file:
        target = cast(BinaryIO, file)
        used = budget.used
        try:
            with opener() as member:
                _copy(member, target, budget)
        except (*_READ_ERRORS, _Refused) as exc:
            budget.give_back(budget.used - used)
            yield ImportItem(name, error=_description(exc))
            return
        head = _head(target)
        if head.startswith(b"PK\x03\x04") or any(head.startswith(magic) for magic in _COMPRESSED):
            yield ImportItem(name, error="an archive in an archive is not read; import it by itself")
            return
        yield SourceFile(name, f"{identity}/{path}", target, head)


def _guarded(name: str, sources: Iterator[SourceFile | ImportItem]) -> Iterator[SourceFile | ImportItem]:
    """The sources of an archive, and an error where it is broken."""
    while True:
        try:
            source = next(sources)
        except StopIteration:
            return
        except (*_READ_ERRORS, _Refused) as exc:
            yield ImportItem(name, error=_description(exc))
            return
        yield source


def _head(file: BinaryIO) -> bytes:
    file.seek(0)
    head = file.read(HEAD_BYTES)
    file.seek(0)
    return head


def _copy(source: BinaryIO, target: BinaryIO, budget: _Budget) -> None:
    size = 0
    while chunk := source.read(_CHUNK):
        size += len(chunk)
        if size > MAX_MEMBER_BYTES:
            raise _Refused(f"the file is larger than {MAX_MEMBER_BYTES // 1024**3} GiB")
        budget.take(len(chunk))
        target.write(chunk)
    target.seek(0)


def _description(exc: BaseException) -> str:
    if isinstance(exc, _Refused):
        return str(exc)
    if isinstance(exc, RuntimeError) and "password" in str(exc):
        return "the file is encrypted"
    return f"the archive is broken: {str(exc).partition(chr(10))[0] or type(exc).__name__}"
