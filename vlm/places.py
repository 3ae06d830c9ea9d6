"""Folders that data lie in: on this machine, or in an object store by URL (`s3://bucket/folder`, what fsspec knows)."""

import posixpath
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from training.config import ConfigError


@dataclass(frozen=True)
class Place:
    """A folder. Files are named relative to it, with `/` between their parts.

    Args:
        url: with a scheme; or a path.
    """

    url: str

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine."""
        return "://" not in self.url

    @property
    def name(self) -> str:
        """Its last part."""
        return posixpath.basename(self.url.rstrip("/")) or self.url

    @cached_property
    def _system(self) -> Any:
        import fsspec  # takes half a second, and most folders are local

        try:
            return fsspec.core.url_to_fs(self.url)[0]
        except (ValueError, ImportError) as error:
            raise ConfigError(f"{self.url} cannot be reached ({error}): install what its scheme needs.") from error

    def of(self, name: str) -> str:
        """The whole path or URL of a file."""
        if self.is_local:
            return str(Path(self.url, name))
        scheme, _, path = self.url.partition("://")
        return f"{scheme}://{posixpath.normpath(posixpath.join(path, name)) if path else name}"

    def below(self, name: str) -> "Place":
        """A folder in it, or beside it where the name begins with `..`; what is absolute stays as it is."""
        return Place(name if "://" in name else self.of(name))

    def open(self, name: str) -> IO[bytes]:
        """A file, to be read anywhere in it.

        Raises:
            OSError: there is none, or it cannot be reached.
        """
        if self.is_local:
            return open(self.of(name), "rb")
        opened: IO[bytes] = self._system.open(self.of(name), "rb")
        return opened

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            OSError: there is none, or it cannot be reached.
        """
        with self.open(name) as file:
            return file.read()

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return Path(self.of(name)).is_file() if self.is_local else bool(self._system.isfile(self.of(name)))

    def __str__(self) -> str:
        return self.url
