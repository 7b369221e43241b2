"""Files that commands write: complete, or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from contentql.errors import OperatorError


@contextlib.contextmanager
def replace_file(path: Path) -> Iterator[IO[bytes]]:
    """Writes a file that replaces `path` when it is complete; after an error `path` is unchanged."""
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(path)
    except OSError as exc:
        raise OperatorError(f"{path} cannot be written: {exc.strerror or exc}.") from None
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
