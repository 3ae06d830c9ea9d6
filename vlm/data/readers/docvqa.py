"""DocVQA and InfographicVQA: questions on pages of documents, and on infographics.

    docvqa/{train_v1.0_withQT,val_v1.0_withQT,test_v1.0}.json             or train/train_v1.0.json and so on
    docvqa/documents/xnbl0037_1.png                                       or train/documents/
    infovqa/infographicsVQA_{train_v1.0,val_v1.0_withQT,test_v1.0}.json   or infographicVQA_train_v1.0.json and so on
    infovqa/images/38889.jpeg                                             or infographicVQA_train_v1.0_images/

Files were given out with _withQT (the types of the questions) and without. Pictures may also lie in the folder that
their archive has, or straight in that of the data set.

The answer is the one that was given most often. All questions of a picture stand together in one sample, however many
they are (reference-facts, 5.3) and wherever they stand in the file; as published, neighbours alone do. Those of the
test, whose answers are not given out, stand each by itself.

Both are among the sources whose letters `vlm.templates` leaves alone, and questions get their capital here. As
published, those of InfographicVQA do not (D12).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from vlm.data.answers import question_of
from vlm.data.data_set import DataSet
from vlm.data.packs import limit_of, packs, sorted_by
from vlm.data.records import Record
from vlm.data.source import Source
from vlm.sample import Question, Sample, Split

SPLITS: dict[Split, str] = {"train": "train", "validation": "val", "test": "test"}


@dataclass(frozen=True, kw_only=True)
class Pages:
    """One of the two: they differ in names alone, and in a defect."""

    name: str
    files: tuple[str, ...]
    """Their names, the first that is there; SPLIT is train, val or test."""
    picture: str
    """Field that names the picture, with or without a folder."""
    folders: tuple[str, ...]
    other_folders: tuple[str, ...]
    """For pictures too, where they are there; SPLIT as above."""
    kinds: str
    """Field of what is asked for; in some files."""
    has_capitals_as_published: bool

    def read(self, source: Source) -> Iterator[Sample]:
        """See the module."""
        folders = self._folders(source)
        if source.split == "test":
            for record in source.records(self._file(source), "data"):
                with source.skipping(record):
                    yield self._sample(source, record, (self._question(source, record, ()),), folders)
            return
        most = limit_of(self.name, source.how.as_published)
        asked = self._answered(source)
        if not source.how.as_published:
            asked = sorted_by(asked, self._picture)
        for pack in packs(asked, self._picture, most):
            record, _ = pack[0]
            with source.skipping(record):
                yield self._sample(source, record, tuple(question for _, question in pack), folders)

    def _answered(self, source: Source) -> Iterator[tuple[Record, Question]]:
        for record in source.records(self._file(source), "data"):
            with source.skipping(record):
                record.text(self.picture)
                given = record.texts("answers")
                if not given:
                    record.refuse("it has no answer")
                yield record, self._question(source, record, given)

    def _picture(self, one: tuple[Record, Question]) -> str:
        return one[0].text(self.picture)

    def _question(self, source: Source, record: Record, given: tuple[str, ...] | list[str]) -> Question:
        text = record.text("question")
        if self.has_capitals_as_published or not source.how.as_published:
            text = text[:1].upper() + text[1:]
        kind = ", ".join(record.texts(self.kinds)) if record.has(self.kinds) else ""
        return question_of(source, record, text, given, id=record.id("questionId"), kind=kind)

    def _sample(
        self, source: Source, record: Record, questions: tuple[Question, ...], folders: tuple[str, ...]
    ) -> Sample:
        picture = record.text(self.picture).rpartition("/")[2]
        is_test = source.split == "test"
        return Sample(
            id=f"{self.name}-{'test-' * is_test}{record.id('questionId')}",
            image=source.picture(*(folder + picture for folder in folders)),
            task="vqa",
            source=self.name,
            questions=questions,
            known_as=(f"{self.name}:{picture}",),
            answered=not is_test,
            as_published=source.how.as_published,
        )

    def _file(self, source: Source) -> str:
        return source.first_of(*(name.replace("SPLIT", SPLITS[source.split]) for name in self.files))

    def _folders(self, source: Source) -> tuple[str, ...]:
        """Where pictures may be: in some folders, and straight in that of the data set, only if some are."""
        others = [folder.replace("SPLIT", SPLITS[source.split]) for folder in self.other_folders]
        there = [folder for folder in others if source.listed(f"{source.folder}/{folder}")]
        is_flat = bool(source.listed(source.folder, lambda name: name.endswith((".png", ".jpg", ".jpeg"))))
        return (*(f"{folder}/" for folder in (*self.folders, *there)), *([""] if is_flat else []))


_DOCVQA = Pages(
    name="docvqa",
    files=(
        "SPLIT_v1.0_withQT.json",
        "SPLIT_v1.0.json",
        "SPLIT/SPLIT_v1.0_withQT.json",
        "SPLIT/SPLIT_v1.0.json",
    ),
    picture="image",
    folders=("documents", "images", "spdocvqa_images"),
    other_folders=("SPLIT/documents", "SPLIT/images"),
    kinds="question_types",
    has_capitals_as_published=True,
)

_INFOGRAPHICS_VQA = Pages(
    name="infographics_vqa",
    files=(
        "infographicsVQA_SPLIT_v1.0_withQT.json",
        "infographicsVQA_SPLIT_v1.0.json",
        "infographicVQA_SPLIT_v1.0_withQT.json",
        "infographicVQA_SPLIT_v1.0.json",
    ),
    picture="image_local_name",
    folders=("images", "infographicsvqa_images"),
    other_folders=("infographicVQA_SPLIT_v1.0_images", "infographicsVQA_SPLIT_v1.0_images"),
    kinds="answer_type",
    has_capitals_as_published=False,
)

DOCVQA = DataSet(
    name=_DOCVQA.name,
    title="DocVQA",
    folder="docvqa",
    licence="annotations as its site says, after registration; pages of the UCSF Industry Documents Library",
    splits=("train", "validation", "test"),
    tasks=("vqa",),
    read=_DOCVQA.read,
)

INFOGRAPHICS_VQA = DataSet(
    name=_INFOGRAPHICS_VQA.name,
    title="InfographicVQA",
    folder="infovqa",
    licence="annotations as its site says, after registration; infographics by their owners",
    splits=("train", "validation", "test"),
    tasks=("vqa",),
    read=_INFOGRAPHICS_VQA.read,
)
