"""What `vlm.data.doctor` finds: counted, with examples, for people and for programs."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vlm.data.contamination import LISTING, REMOVING, VISUAL7W
from vlm.data.picture_check import REASONS
from vlm.sample import Split

Severity = Literal["fatal", "note"]
"""Fatal: training stops at it, or learns what it must not. A note: to be known, and to be decided by people."""

EXAMPLES = 20
"""Of each finding, that are named; all are counted."""

SHOWN = 3
"""Of them, that are printed."""

AGAIN = "download or unpack it again, or drop it"


@dataclass(frozen=True)
class Kind:
    """What can be found. `unit` is what is counted, `advice` what to do."""

    severity: Severity
    unit: str
    advice: str


KINDS: dict[str, Kind] = {
    **{reason: Kind("fatal", "pictures", AGAIN) for reason in REASONS.values()},
    "file of samples is not what was written": Kind("fatal", "files", "copy it again, or prepare the folder anew"),
    "sample cannot be laid out": Kind("fatal", "samples", "it has no answer, or one that is none of its options"),
    "training sample without answers": Kind("fatal", "samples", "it is from a test set: leave it out"),
    "id of several samples": Kind("fatal", "samples", "something was read twice: prepare the folder anew"),
    **{f"picture in {test}": Kind("fatal", "samples", "prepare the folder anew, cleaned") for test in REMOVING},
    f"question in {VISUAL7W}": Kind("fatal", "questions", "prepare the folder anew, cleaned"),
    **{f"picture in {test}": Kind("note", "samples", "as in the paper's mixture") for test in LISTING},
    "training picture also in validation": Kind("note", "samples", "of one data set it should not be"),
    "training picture also in test": Kind("note", "samples", "of one data set it should not be"),
    "training picture also in validation or test under another name": Kind("note", "pictures", "by their content"),
    "pictures of the same content": Kind("note", "pictures", "look at them: it may be a notice of its host"),
    "training samples of the same content": Kind("note", "samples", "it is trained on more than once"),
    "question without an answer": Kind("note", "questions", "it is left out"),
    "box without an area": Kind("note", "boxes", "nothing can be seen in it"),
    "box smaller than a pixel": Kind("note", "boxes", "nothing can be seen in it"),
    "picture of another kind than its name says": Kind("note", "pictures", "it is read by its content"),
    "picture without samples": Kind("note", "pictures", "it takes space alone"),
}


@dataclass
class Finding:
    """How often something was found, in which data sets, and the first examples."""

    count: int = 0
    by_source: Counter[str] = field(default_factory=Counter)
    """Where two data sets share a picture, it is counted in both."""
    examples: list[str] = field(default_factory=list)

    def add(self, source: str, example: str, count: int = 1) -> None:
        self.count += count
        self.by_source[source] += count
        if len(self.examples) < EXAMPLES:
            self.examples.append(example)


@dataclass
class Report:
    """All that was looked for: a finding for each of `KINDS`, also where its count is 0."""

    samples: dict[Split, Counter[str]] = field(default_factory=dict)
    """By data set."""
    pictures: int = 0
    findings: dict[str, Finding] = field(default_factory=lambda: {kind: Finding() for kind in KINDS})
    unchecked: tuple[str, ...] = ()
    """Sentences on what could not be looked for."""

    def add(self, kind: str, source: str, example: str, count: int = 1) -> None:
        self.findings[kind].add(source, example, count)

    @property
    def found(self) -> dict[str, Finding]:
        """What is there, the fatal first."""
        there = {kind: finding for kind, finding in self.findings.items() if finding.count}
        return dict(sorted(there.items(), key=lambda one: KINDS[one[0]].severity != "fatal"))

    @property
    def is_fatal(self) -> bool:
        """Whether something was found that training must not begin with."""
        return any(KINDS[kind].severity == "fatal" for kind in self.found)


def to_json(report: Report) -> Mapping[str, Any]:
    """The report as values of JSON: fatal, samples, pictures, findings by kind, unchecked."""
    return {
        "fatal": report.is_fatal,
        "samples": {split: dict(counts) for split, counts in report.samples.items()},
        "pictures": report.pictures,
        "findings": {
            kind: {
                "severity": KINDS[kind].severity,
                "unit": KINDS[kind].unit,
                **asdict(finding),
                "by_source": dict(sorted(finding.by_source.items())),
            }
            for kind, finding in report.findings.items()
        },
        "unchecked": list(report.unchecked),
    }


def print_report(report: Report, console: Console | None = None) -> None:
    """A table of what was found, examples below it, and whether training can begin."""
    console = console or Console()
    counts = ", ".join(f"{sum(by_source.values()):,} {split}" for split, by_source in report.samples.items())
    console.print(f"Samples: {counts or 'none'}. Pictures: {report.pictures:,}.")
    found = report.found
    if found:
        table = Table("", "found", "count", "of", "in", "what to do", box=None, pad_edge=False)
        for kind, finding in found.items():
            severity = KINDS[kind].severity
            places = ", ".join(f"{escape(source)} {count:,}" for source, count in finding.by_source.most_common())
            style = "red" if severity == "fatal" else None
            table.add_row(
                severity, kind, f"{finding.count:,}", KINDS[kind].unit, places, KINDS[kind].advice, style=style
            )
        console.print(table)
    for kind, finding in found.items():
        console.print(f"\n{kind}:")
        for example in finding.examples[:SHOWN]:
            console.print(f"    {example}", markup=False, highlight=False, soft_wrap=True)
        if finding.count > SHOWN:
            console.print("    ...")
    for sentence in report.unchecked:
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)
    fatal = sum(KINDS[kind].severity == "fatal" for kind in found)
    console.print(
        f"\nTo be mended before training: {fatal}." if fatal else "\nNothing that was found stands against training."
    )
