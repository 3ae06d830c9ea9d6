"""What a reader reads from: the folder of a data set, one split of it, and how its samples are wanted.

It finds annotation files (unpacked, or in the zip that they came in) and pictures, counts what is read, and skips what
is broken; so that a reader says only what its records mean.
"""

import contextlib
import hashlib
import itertools
import lzma
import random
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from vlm.data.errors import DataError, DroppedError, RecordError
from vlm.data.how import How
from vlm.data.records import Record, json_records, line_records, table_records
from vlm.data.tally import Tally
from vlm.pictures import picture_size
from vlm.sample import Box, SampleError, Split

UNREADABLE = (OSError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError)
"""What reading a file, or one in a zip, may fail with."""

TOLD_EVERY = 500
"""Records between two reports of how far a file has been read."""


@dataclass
class Source:
    """See the module.

    Args:
        root: folder of all data sets.
        folder: of this one, below the root.
        piece: name of the part that is read, for data sets that are read in parts.
        scratch: folder for what is known of all pieces.
    """

    root: Path
    folder: str
    split: Split
    how: How = field(default_factory=How)
    piece: str = ""
    scratch: Path = Path()
    tally: Tally = field(default_factory=Tally)
    told: Callable[[int], object] = int
    """Is told how many bytes of annotation files were read since it was told last."""
    opened: dict[str, int] = field(default_factory=dict)
    """Annotation files, by their path below the root (or that of the zip they are in), and their sizes."""
    first: int | None = None
    """Records of each annotation file that are read, for a first look; None for all."""
    _listed: dict[str, frozenset[str]] = field(default_factory=dict)
    _archives: dict[str, list[tuple[Path, str]]] | None = None
    _found_one: bool = False

    @property
    def path(self) -> Path:
        """Folder of the data set."""
        return self.root / self.folder

    def has(self, name: str) -> bool:
        """Whether there is such an annotation file, unpacked or in a zip."""
        return (self.path / name).is_file() or self._packed(name) is not None

    def first_of(self, *names: str) -> str:
        """The first of these annotation files that is there.

        Raises:
            DataError: none is.
        """
        for name in names:
            if self.has(name):
                return name
        raise DataError(f"{self.path} has no {' and no '.join(names)}: download it there from the data set's site.")

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """An annotation file, unpacked or inside of a zip in the same folder.

        Raises:
            DataError: there is none, or it cannot be read.
        """
        path = self.path / self.first_of(name)
        try:
            if path.is_file():
                self._note(path, path.stat().st_size)
                with open(path, "rb") as file:
                    yield file
                return
            found = self._packed(name)
            assert found is not None, "first_of would have refused it"
            archive, member = found
            with zipfile.ZipFile(archive) as zipped:
                about = zipped.getinfo(member)
                if about.flag_bits & 1:
                    raise zipfile.BadZipFile(f"{archive} is encrypted")
                self._note(archive, about.file_size)
                with zipped.open(about) as packed:
                    yield packed
        except UNREADABLE as error:
            raise DataError(f"{path} cannot be read ({error}): download it again.") from error

    def records(self, name: str, at: str | None = None, *, lines: bool = False) -> Iterator[Record]:
        """The records of an annotation file, counted; broken ones are skipped.

        Args:
            name: ends in .json, .jsonl or .csv, and says so how it is read.
            at: see `json_records`.
            lines: it holds JSON lines, whatever its name says.
        """
        with self.open(name) as file:
            if lines or name.endswith(".jsonl"):
                read = line_records(file, str(self.path / name))
            elif name.endswith(".csv"):
                read = table_records(file, str(self.path / name))
            else:
                read = json_records(file, str(self.path / name), at)
            told = 0
            for number, record in enumerate(self.counted(itertools.islice(read, self.first), name)):
                yield record
                if number % TOLD_EVERY == 0:
                    told += self.tell(file.tell() - told)
            self.tell(file.tell() - told)

    def tell(self, count: int) -> int:
        """Tells how many bytes were read; gives them back."""
        self.told(count)
        return count

    def counted(self, records: Iterator[Record | RecordError], kind: str = "") -> Iterator[Record]:
        """The same records without those that are none, which are skipped.

        Args:
            kind: the file that they stand in; nothing for those that stand inside of others.
        """
        reads = self.tally.reads
        for record in records:
            reads[kind] += 1
            if isinstance(record, RecordError):
                self.tally.skip(str(record), kind)
            else:
                yield record

    @contextlib.contextmanager
    def skipping(self, record: Record) -> Iterator[None]:
        """What is made of a record within is left out where the record is broken, or gives no sample."""
        try:
            yield
        except DroppedError as dropped:
            self.tally.drop(dropped.reason, dropped.what or record.place)
        except RecordError as error:
            self.tally.skip(str(error), self._kind_of(record))
        except SampleError as error:
            self.tally.skip(f"{record.place}: {error}", self._kind_of(record))

    def picture(self, *candidates: str) -> str:
        """Path below the root of the first of these pictures that is there.

        Args:
            candidates: below the folder of the data set, or `/coco/...` from the root on.

        Raises:
            DroppedError: none is.
            SampleError: a name is none, or leads out of its folder.
            DataError: not even a folder for them is.
        """
        places = [name[1:] if name.startswith("/") else f"{self.folder}/{name}" for name in candidates]
        for place in places:
            if "\0" in place or not {"", ".", ".."}.isdisjoint(place.split("/")):
                raise SampleError(f"its picture has a name that no picture can have, {place[:80]!r}.")
        for place in places:
            folder, _, name = place.rpartition("/")
            if name in self._in(folder):
                self._found_one = True
                return place
        if not self._found_one and not any(self._in(self._top(place)) for place in places):
            tops = " or ".join(dict.fromkeys(str(self.root / self._top(place)) for place in places))
            raise DataError(f"there are no pictures in {tops}: unpack the data set's archive of pictures there.")
        raise DroppedError("picture missing", str(self.root / places[0]))

    def size(self, picture: str) -> tuple[int, int]:
        """Width and height in pixels, from the header of a picture that `picture` found.

        Raises:
            DroppedError: it has none.
        """
        found = picture_size(self.root / picture)
        if found is None:
            raise DroppedError("picture unreadable", picture)
        return found

    def box(self, corners: tuple[float, float, float, float], size: tuple[float, float], place: str) -> Box | None:
        """Shares of the picture, of a box x1, y1, x2, y2 in pixels: cut at the border; None where nothing is left.

        Args:
            size: width and height.
            place: for the list of what was dropped.

        Raises:
            RecordError: the size is none.
        """
        width, height = size
        if width <= 0 or height <= 0:
            raise RecordError(f"{place}: its picture is {width:g} x {height:g} pixels large.")
        shares = [corners[0] / width, corners[1] / height, corners[2] / width, corners[3] / height]
        x1, y1, x2, y2 = (min(max(share, 0.0), 1.0) for share in shares)
        if x1 >= x2 or y1 >= y2:
            self.tally.drop("box without an area", place)
            return None
        if [x1, y1, x2, y2] != shares:
            self.tally.change("box cut at the border of its picture", place)
        return x1, y1, x2, y2

    def chance(self, *names: Any) -> random.Random:
        """A source of random numbers that depends on the seed, and on what it is for, alone."""
        key = "|".join(map(str, (self.how.seed, *names)))
        return random.Random(hashlib.sha256(key.encode()).digest())

    def share(self, *names: Any) -> float:
        """A number from 0 to below 1, as `chance` would draw it first; cheaper."""
        key = "|".join(map(str, (self.how.seed, *names)))
        return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=7).digest()) / 2**56

    def listed(self, folder: str, is_wanted: Callable[[str], bool] = bool) -> list[str]:
        """Names in a folder below the root, sorted."""
        return sorted(name for name in self._in(folder) if is_wanted(name))

    def _kind_of(self, record: Record) -> str:
        """As what a record was counted."""
        for kind in filter(None, self.tally.reads):
            _, file, rest = record.place.partition(f"{self.path / kind}, ")
            if file:
                return "" if ", " in rest and self.tally.reads[""] else kind
        return ""

    def _note(self, path: Path, size: int) -> None:
        name = path.relative_to(self.root).as_posix()
        self.opened[name] = size
        if name not in self.tally.files:
            self.tally.files.append(name)

    def _top(self, place: str) -> str:
        """The folder of pictures that a place is in or below."""
        inside = place.removeprefix(f"{self.folder}/")
        first = inside.partition("/")[0]
        if inside == place:
            return place.rpartition("/")[0]
        return f"{self.folder}/{first}" if "/" in inside else self.folder

    def _in(self, folder: str) -> frozenset[str]:
        """What a folder below the root holds; nothing where there is none. Listed once."""
        if folder not in self._listed:
            if len(self._listed) > 4_096:  # data sets of many small folders
                self._listed.clear()
            try:
                self._listed[folder] = frozenset(path.name for path in (self.root / folder).iterdir())
            except OSError:  # there is none; or no folder could have such a name
                self._listed[folder] = frozenset()
        return self._listed[folder]

    def _packed(self, name: str) -> tuple[Path, str] | None:
        """The zip that holds an annotation file, and what it is called in there.

        The zip may begin its names above the folder of the data set, or inside of it: one name is the other's end. So
        the same name in another folder (each set of RefCOCO has its `instances.json`) is not taken for it.
        """
        wanted = Path(name).parts
        for archive, member in self._members().get(wanted[-1], []):
            parts = Path(member).parts
            if parts[-len(wanted) :] == wanted[-len(parts) :]:
                return archive, member
        return None

    def _members(self) -> dict[str, list[tuple[Path, str]]]:
        """Annotation files in the zips of the folder, by the last part of their names."""
        if self._archives is None:
            self._archives = {}
            for path in sorted(self.path.glob("*.zip")):
                # One that is broken, or still being downloaded, is as good as none.
                with contextlib.suppress(*UNREADABLE, ValueError), zipfile.ZipFile(path) as archive:
                    for name in archive.namelist():
                        if not name.endswith((".jpg", ".png", "/")):
                            self._archives.setdefault(Path(name).name, []).append((path, name))
        return self._archives
