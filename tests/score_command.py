"""What is typed of `vlm score`, and what it answers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import result_files as files
from miniatures.files import write_json, write_lines

from vlm.evaluate.benchmarks import BENCHMARKS
from vlm.sample import write_samples

Change = Callable[[Any], Any]


def write_files(
    folder: Path, some: files.Drawn, said: Change = lambda value: value, true: Change = lambda value: value
) -> tuple[Path, Path]:
    """Predictions, and what is right, in the forms of their data set: a file each, or a folder of samples. What they
    hold is changed by `said` and `true` first; bytes are written as they are."""
    results, value = folder / f"said-{some.benchmark}.json", said(files.usual(some))
    if isinstance(value, bytes):
        results.write_bytes(value)
    else:
        write_json(results, value)
    references = folder / f"true-{some.benchmark}"
    if some.benchmark in files.REFERENCES:
        value = true(files.REFERENCES[some.benchmark](some))
        return results, (write_lines if isinstance(value, list) else write_json)(references.with_suffix(".json"), value)
    references.mkdir(exist_ok=True)
    write_samples(references / "test.jsonl", true(files.samples(some)))
    return results, references


def scored(vlm: Any, benchmark: str, results: Path | str, *others: object) -> dict[str, Any]:
    """What `vlm score --json` answers."""
    result = vlm("score", benchmark, "--predictions", results, *others, "--json")
    assert result.code == 0, result.stderr
    return dict(json.loads(result.stdout))


def overall(found: dict[str, Any]) -> float:
    """The score of the whole benchmark by its own metric."""
    first = found["scores"][0]
    assert (first["metric"], first["group"], first["kind"]) == (
        BENCHMARKS[found["benchmark"]].metric.name,
        "all",
        "all",
    )
    return float(first["score"])


def refused(result: Any, *said: str) -> None:
    """One sentence on stderr that says this, exit code 2, and nothing on stdout."""
    assert result.code == 2 and result.stdout == "", result
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    for words in said:
        assert words in result.stderr, result.stderr
