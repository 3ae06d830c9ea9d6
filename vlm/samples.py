"""The samples of a split, by number: in memory, on disk, or a part of others.

Those on disk are read in groups of neighbours. A random order of them goes from group to group, so that a group is read
once in a pass; what `vlm prepare` writes is in a random order already.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from vlm.pictures import PictureError, decode, open_picture
from vlm.places import Place
from vlm.prompt import singles
from vlm.sample import Sample

Numbers = NDArray[np.int64]


class Samples(Sequence[Sample], ABC):
    """See the module."""

    pictures: Place
    """That pictures are named relative to."""

    @property
    @abstractmethod
    def ends(self) -> Numbers:
        """Where each group of neighbours ends, ascending; the last is the number of samples."""

    @abstractmethod
    def texts(self, name: str) -> Iterator[str]:
        """A field of all samples that is text, such as `task`."""

    @abstractmethod
    def parts(self) -> Numbers:
        """How many questions or regions each sample has, or 1: see `vlm.prompt.singles`."""

    @abstractmethod
    def at(self, number: int) -> Sample:
        """Sample `number`, from 0 on."""

    def __len__(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0

    @overload
    def __getitem__(self, number: int) -> Sample: ...
    @overload
    def __getitem__(self, number: slice) -> list[Sample]: ...
    def __getitem__(self, number: int | slice) -> Sample | list[Sample]:
        if isinstance(number, slice):
            return [self.at(n) for n in range(*number.indices(len(self)))]
        if not -len(self) <= number < len(self):
            raise IndexError(number)
        return self.at(number % len(self))

    def picture_file(self, image: str) -> bytes:
        """The file of a picture, as a sample names it.

        Raises:
            PictureError: it cannot be read.
        """
        try:
            return self.pictures.read(image)
        except (FileNotFoundError, IsADirectoryError) as error:
            name = self.pictures.of(image)
            raise PictureError(f"{name} is not there or no file: check the path of the picture.") from error
        except OSError as error:
            raise PictureError(f"{self.pictures.of(image)} cannot be read ({error}): check its path.") from error

    def picture(self, image: str) -> Image:
        """A picture, as a sample names it: see `vlm.pictures.open_picture`.

        Raises:
            PictureError: it cannot be read.
        """
        if self.pictures.is_local:
            return open_picture(Path(self.pictures.of(image)))
        return decode(self.picture_file(image), self.pictures.of(image))

    def has_picture(self, image: str) -> bool:
        """Whether the file of a picture is there."""
        return self.pictures.has(image)

    def picture_name(self, image: str) -> str:
        """What a picture is called, wherever its file lies."""
        return image

    @property
    def picture_folder(self) -> Path | None:
        """The folder of this machine that pictures are files in, where they are."""
        return Path(self.pictures.url) if self.pictures.is_local else None

    def of_tasks(self, tasks: Collection[str]) -> "Samples":
        """Those of these tasks; all of them where none is named."""
        return Chosen(self, np.flatnonzero([task in tasks for task in self.texts("task")])) if tasks else self

    def one_by_one(self) -> "Samples":
        """Each question or region as a sample of its own."""
        return OneByOne(self)


class Listed(Samples):
    """Samples in memory."""

    def __init__(self, samples: Sequence[Sample], pictures: Place) -> None:
        self.samples = samples
        self.pictures = pictures

    @property
    def ends(self) -> Numbers:
        return np.array([len(self.samples)])

    def texts(self, name: str) -> Iterator[str]:
        return (getattr(sample, name) for sample in self.samples)

    def parts(self) -> Numbers:
        return np.array([max(len(s.questions), len(s.regions), 1) for s in self.samples], dtype=np.int64)

    def at(self, number: int) -> Sample:
        return self.samples[number]


class _View(Samples):
    """Samples that are made of others, which have their pictures."""

    def __init__(self, of: Samples) -> None:
        self.of = of
        self.pictures = of.pictures

    def picture_file(self, image: str) -> bytes:
        return self.of.picture_file(image)

    def picture(self, image: str) -> Image:
        return self.of.picture(image)

    def has_picture(self, image: str) -> bool:
        return self.of.has_picture(image)

    def picture_name(self, image: str) -> str:
        return self.of.picture_name(image)

    @property
    def picture_folder(self) -> Path | None:
        return self.of.picture_folder


class Chosen(_View):
    """Some of others, by their numbers, which ascend."""

    def __init__(self, of: Samples, numbers: Numbers) -> None:
        super().__init__(of)
        self.numbers = numbers

    @property
    def ends(self) -> Numbers:
        return np.searchsorted(self.numbers, self.of.ends).astype(np.int64)

    def texts(self, name: str) -> Iterator[str]:
        wanted = np.zeros(len(self.of), dtype=bool)
        wanted[self.numbers] = True
        return (text for text, is_wanted in zip(self.of.texts(name), wanted, strict=True) if is_wanted)

    def parts(self) -> Numbers:
        return self.of.parts()[self.numbers]

    def at(self, number: int) -> Sample:
        return self.of.at(int(self.numbers[number]))


class OneByOne(_View):
    """Each question or region of others, as a sample."""

    def __init__(self, of: Samples) -> None:
        super().__init__(of)
        self._before = np.concatenate([[0], np.cumsum(of.parts())])

    @property
    def ends(self) -> Numbers:
        return self._before[self.of.ends]

    def texts(self, name: str) -> Iterator[str]:
        if name == "id":
            return (sample.id for sample in self)
        repeated = zip(self.of.texts(name), np.diff(self._before), strict=True)
        return (text for text, count in repeated for _ in range(count))

    def parts(self) -> Numbers:
        return np.ones(len(self), dtype=np.int64)

    def at(self, number: int) -> Sample:
        whole = int(np.searchsorted(self._before, number, side="right")) - 1
        sample, place = self.of.at(whole), number - int(self._before[whole])
        return next(part for n, part in enumerate(singles(sample)) if n == place)
