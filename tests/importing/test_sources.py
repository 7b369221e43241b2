"""Files of an import: folders, archives, compressed files, and hostile ones."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path

import pytest

from contentql.content.import_item import ImportItem
from contentql.formats.source_file import ReadOptions
from contentql.importing import sources
from contentql.importing.reading import read_items
from contentql.importing.sources import open_sources


def read(*names: Path | str) -> dict[str, str]:
    """The headline or the error of each item, by its location."""
    items = read_items(open_sources([str(name) for name in names]), ReadOptions())
    return {item.location: _result(item) for item in items}


def _result(item: ImportItem) -> str:
    return str(getattr(item.record, "headline", None) or item.error)


def page(headline: str) -> bytes:
    return f"{headline}\nA paragraph.".encode()


def zip_file(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def tar_file(path: Path, members: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def test_folders_are_read_whole_in_the_order_of_names(tmp_path: Path) -> None:
    """Hidden files and what operating systems add are no content."""
    for name in ("b.txt", "a/c.txt", "a/b.txt", ".hidden.txt", ".git/config", "__MACOSX/a.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(page(name))
    assert list(read(tmp_path).values()) == ["b.txt", "a/b.txt", "a/c.txt"]


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_archives_are_read_like_folders(tmp_path: Path, mode: str) -> None:
    members = {"a/one.txt": page("One"), "two.txt": page("Two"), "a/.hidden": page("Hidden")}
    archive = tar_file(tmp_path / "pages.archive", members, mode)
    assert read(archive) == {f"{archive}/a/one.txt": "One", f"{archive}/two.txt": "Two"}
    archive = zip_file(tmp_path / "pages.zip", members)
    assert read(archive) == {f"{archive}/a/one.txt": "One", f"{archive}/two.txt": "Two"}


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_files_are_read(tmp_path: Path, compress: object) -> None:
    file = tmp_path / "page.txt.x"
    file.write_bytes(compress(page("Compressed")))  # type: ignore[operator]
    assert read(file) == {str(file): "Compressed"}


@pytest.mark.parametrize(
    "name",
    ["../../outside.txt", "/etc/outside.txt", "a/../../outside.txt", "..\\outside.txt", "C:\\outside.txt"],
)
def test_paths_that_leave_the_archive_are_refused(tmp_path: Path, name: str) -> None:
    """The other files are read; nothing is written anywhere."""
    folder = tmp_path / "folder"
    folder.mkdir()
    members = {name: page("Outside"), "inside.txt": page("Inside")}
    for archive in (zip_file(folder / "a.zip", members), tar_file(folder / "a.tar", members)):
        results = read(archive)
        assert results.pop(f"{archive}/inside.txt") == "Inside"
        (error,) = results.values()
        assert error == "the path leads out of the archive; the file was not read"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.tar", "a.zip", "folder"]


def test_links_in_archives_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_bytes(page("Secret"))
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE):
            member = tarfile.TarInfo(f"link{int(kind)}.txt")
            member.type, member.linkname = kind, str(secret)
            archive.addfile(member)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        info = zipfile.ZipInfo("link.txt")
        info.external_attr = 0o120777 << 16
        zipped.writestr(info, str(secret))
    results = read(tmp_path / "a.tar", tmp_path / "a.zip")
    assert len(results) == 4
    assert set(results.values()) == {"a link in an archive is not followed"}


def test_bombs_end_with_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that grows a thousandfold, and an archive with more than it may have; the others are read."""
    monkeypatch.setattr(sources, "_RATIO_BYTES", 1024**2)
    bomb = bytes(20 * 1024**2)
    archive = zip_file(tmp_path / "a.zip", {"a.txt": page("First"), "bomb.txt": bomb, "c.txt": page("Last")})
    results = read(archive)
    assert results[f"{archive}/a.txt"] == "First"
    assert results[f"{archive}/c.txt"] == "Last"
    assert results[f"{archive}/bomb.txt"] == "the file grows out of all proportion when it is decompressed"
    compressed = tmp_path / "bomb.gz"
    compressed.write_bytes(gzip.compress(bomb))
    assert "out of all proportion" in read(compressed)[str(compressed)]
    monkeypatch.setattr(sources, "MAX_MEMBER_BYTES", 10 * 1024**2)
    assert "the file is larger than" in read(zip_file(tmp_path / "b.zip", {"x": bomb}))[f"{tmp_path}/b.zip/x"]
    monkeypatch.setattr(sources, "MAX_MEMBERS", 1)
    many = zip_file(tmp_path / "c.zip", {"a": b"a", "b": b"b"})
    assert "more than 1 files" in read(many)[str(many)]


def test_broken_archives_are_an_error_of_the_file(tmp_path: Path) -> None:
    """Also of a truncated one, of which the files before the end are read, and one in another."""
    whole = zip_file(tmp_path / "a.zip", {"a.txt": page("A") * 1000}).read_bytes()
    (tmp_path / "b.zip").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "c.gz").write_bytes(gzip.compress(page("C") * 1000)[:-20])
    inner = zip_file(tmp_path / "d.zip", {"a.zip": whole, "e.txt": page("E")})
    results = read(tmp_path / "b.zip", tmp_path / "c.gz", inner)
    assert results[str(tmp_path / "b.zip")].startswith("the archive is broken: ")
    assert results[str(tmp_path / "c.gz")].startswith("the archive is broken: ")
    assert results[f"{inner}/a.zip"] == "an archive in an archive is not read; import it by itself"
    assert results[f"{inner}/e.txt"] == "E"
    tar = tar_file(tmp_path / "f.tar", {"a.txt": page("First"), "b.txt": page("x" * 5_000)})
    tar.write_bytes(tar.read_bytes()[:2_000])
    results = read(tar)
    assert results[f"{tar}/a.txt"] == "First"
    assert results[f"{tar}/b.txt"].startswith("the archive is broken: ")


def test_errors_of_a_reader_leave_the_other_files_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An unexpected error is reported with its type, and logged with its traceback."""
    from contentql.formats import text

    (tmp_path / "a.txt").write_bytes(page("A"))
    (tmp_path / "b.txt").write_bytes(page("B"))
    read_page = text.read_page

    def fail(page: bytes, name: str, **options: object) -> ImportItem:
        if name.endswith("a.txt"):
            raise KeyError("surprise")
        return read_page(page, name, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(text, "read_page", fail)
    results = list(read(tmp_path).values())
    assert results == ["the file cannot be read: KeyError: 'surprise'", "B"]
    assert "surprise" in caplog.text
