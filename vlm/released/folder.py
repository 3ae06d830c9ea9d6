"""A folder that is there whole or not at all: it is written beside its place, and takes it in one step."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from training.config import require
from training.run import StorageError, require_folder


def require_new(out: Path, purpose: str) -> None:
    """Raises ConfigError where a folder is there with something in it, or could not be made."""
    require(
        not out.is_dir() or not any(out.iterdir()), f"{out} is there and not empty: name a new folder for {purpose}."
    )
    require_folder(out, purpose)


def require_space(out: Path, size: int) -> None:
    """Raises StorageError where the disk has no room for as many bytes."""
    nearest = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
    free = shutil.disk_usage(nearest).free
    if free < size:
        raise StorageError(
            f"{out} needs {size / 1e9:.1f} GB and its disk has {free / 1e9:.1f} GB left: make room, or name another "
            "folder."
        )


@contextlib.contextmanager
def becoming(out: Path) -> Iterator[Path]:
    """An empty folder to write into, which becomes `out` when all goes well and is gone when anything does not, with
    the folders above it that were made for it.

    Raises:
        StorageError: it cannot be written.
    """
    out = out.resolve()
    partial = out.with_name(f"{out.name}.{os.getpid()}.partial")
    made = [folder for folder in out.parents if not folder.exists()]
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir()
        yield partial
        partial.rename(out)  # over an empty folder, if over any
    except OSError as error:
        why = "no space left" if error.errno == errno.ENOSPC else error.strerror or str(error)
        raise StorageError(
            f"{out} could not be written ({why}): see to the disk, and start the same command again."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        with contextlib.suppress(OSError):  # one that has something in it stays, such as `out`
            for folder in made:
                folder.rmdir()
