"""Checkpoints on benchmarks: predictions of each, and what they say of each other.

out/FAMILY-ORDER/BENCHMARK.jsonl             predictions, once a benchmark is done
out/FAMILY-ORDER/BENCHMARK.said              what has been said so far, until then: `vlm.evaluate.said`
out/FAMILY-ORDER/BENCHMARK.csv               its scores and measures, by part
out/FAMILY-ORDER/BENCHMARK.submission.json   for its test server, where there is one
out/FAMILY-ORDER/asked.json                  what they depend on: `vlm.evaluate.asked`, also on the names of folders
benchmarks.png, .pdf, .csv                   scores of all models, and the best constant answers
differences.csv                              of models, paired, with their intervals

The last two are in the folder for figures, or in `out`. Under `accelerate launch` processes share the questions.
"""

import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from accelerate import Accelerator
from rich.console import Console
from tqdm import tqdm

from training.config import Precision
from training.run import require_folder
from training.session import part
from vlm.evaluate.answer import BATCH, answer
from vlm.evaluate.asked import Sitting, sittings_of
from vlm.evaluate.benchmarks import benchmark_named
from vlm.evaluate.figure import draw_results
from vlm.evaluate.predictions import (
    Prediction,
    judge,
    read_predictions,
    scored_in,
    submitted,
    write_predictions,
)
from vlm.evaluate.results import left_out, read_summary, summarise
from vlm.evaluate.said import Said
from vlm.evaluate.screen import print_measures, print_results
from vlm.evaluate.table import Evaluated, differences, scores
from vlm.files import replace_text
from vlm.model import VisionLanguageModel
from vlm.prompt import Order
from vlm.runs import Trained
from vlm.sample import Split


def evaluate(
    models: Sequence[Trained],
    benchmarks: Sequence[str],
    out: Path,
    *,
    figures: Path | None = None,
    order: Order | None = None,
    limit: int | None = None,
    split: Split = "test",
    batch: int = BATCH,
    one_expression: bool = False,
    precision: Precision = "fp32",
) -> None:
    """Asks every model everything, and prints scores and paired differences with their intervals.

    Args:
        models: of one data set, which their questions are of.
        benchmarks: names; none for all that the samples are of.
        figures: folder for the tables and the figure; `out` unless given.
        order: the order to ask in; None for the one that a model was trained with.
        split: of the data that the questions are from.
        limit: questions of each benchmark, the first ones. What they are answered with is kept when more are asked.
        batch: questions that are answered at once.
        precision: of arithmetic, for all models; weights stay as they are.
        one_expression: of each object that is referred to, the last expression alone (as published; D2).

    Raises:
        ConfigError: something cannot be evaluated. What `out` holds is as it was.
    """
    require_folder(out, "the predictions")
    require_folder(figures or out, "the figure")
    sittings = sittings_of(
        models,
        benchmarks,
        out,
        split=split,
        order=order,
        limit=limit,
        one_expression=one_expression,
        precision=precision,
    )
    accelerator = Accelerator()
    for sitting in sittings:
        _ask(sitting, accelerator, batch)
    part()
    if accelerator.is_main_process:
        names = ", ".join(dict.fromkeys(one.model.name for one in sittings))
        _report(sittings, figures or out, f"{names}, {split} split")


def _ask(sitting: Sitting, accelerator: Accelerator, batch: int) -> None:
    """Asks one model what it was not asked yet, and keeps what it says."""
    known = {name: sitting.known(name) for name in sitting.own}
    unasked = [name for name, samples in sitting.own.items() if len(known[name]) < len(samples)]
    accelerator.wait_for_everyone()  # until all know what is there, none may write
    if not unasked:
        return
    model = sitting.model.load(accelerator.device)
    with sitting.claimed() if accelerator.is_main_process else contextlib.nullcontext():
        _ask_all(sitting, model, {name: known[name] for name in unasked}, accelerator, batch)


def _ask_all(
    sitting: Sitting,
    model: VisionLanguageModel,
    known: Mapping[str, Mapping[str, str]],
    accelerator: Accelerator,
    batch: int,
) -> None:
    """Asks one model the questions of several benchmarks.

    Args:
        known: benchmark -> what it said before, by the id of the sample.
    """
    total = sum(len(sitting.own[name]) for name in known)
    hidden = None if accelerator.is_main_process else True  # None: on a screen alone
    with tqdm(total=total, desc=sitting.place.name, unit="answer", disable=hidden, leave=False) as bar:
        for name, before in known.items():
            bar.set_postfix_str(name)
            benchmark, samples, said = benchmark_named(name), sitting.own[name], Said(sitting.predictions(name))
            texts = answer(
                model,
                benchmark,
                samples,
                sitting.samples.picture,
                order=sitting.asked.order,
                said=said,
                accelerator=accelerator,
                known=before,
                precision=sitting.asked.precision,
                bar=bar,
                batch=batch,
            )
            if accelerator.is_main_process:
                _keep(sitting, name, judge(benchmark, samples, texts))
                said.clear()
            accelerator.wait_for_everyone()


def _keep(sitting: Sitting, name: str, predictions: Sequence[Prediction]) -> None:
    """Writes predictions, what a test server takes, and takes away what was computed of fewer of them."""
    path = sitting.predictions(name)
    path.with_suffix(".csv").unlink(missing_ok=True)
    if entries := submitted(predictions):
        replace_text(path.with_suffix(".submission.json"), json.dumps(entries, ensure_ascii=False))
    write_predictions(path, predictions)


def _report(sittings: Sequence[Sitting], figures: Path, title: str) -> None:
    """Tables, figure and the data of both."""
    found, frames, hidden = [], [], []
    for sitting in sittings:
        for name in sitting.own:
            predictions = read_predictions(sitting.predictions(name))
            scored = scored_in(predictions)
            asked_as_trained = sitting.asked.order == sitting.model.architecture.order
            if len(scored) < len(predictions):
                hidden.append(sitting.predictions(name))
            if scored:
                found.append(
                    Evaluated(
                        pair=sitting.pair,
                        size=sitting.model.name if asked_as_trained else "",
                        family=sitting.model.architecture.family,
                        order=sitting.asked.order,
                        predictions=scored,
                    )
                )
                frames.append(_summary(sitting, name, scored))
    console = Console()
    if found:
        table, compared = scores(found, frames), differences(found)
        draw_results(table, figures, title=title)
        compared.to_csv(figures / "differences.csv", index=False)
        print_results(console, table, compared)
        print_measures(console, table)
        for sentence in dict.fromkeys(one for own in found for one in left_out(benchmark_named(own.benchmark))):
            console.print(f"[dim]Left out: {sentence}[/dim]", highlight=False)
    for path in hidden:
        console.print(_on_hidden(path), highlight=False, soft_wrap=True)


def _on_hidden(predictions: Path) -> str:
    """What can be done with answers that cannot be scored here."""
    sent = predictions.with_suffix(".submission.json")
    if sent.exists():
        return f"{sent} holds answers that its test server scores."
    return f"{predictions} holds answers that cannot be scored: it is not given out what is right."


def _summary(sitting: Sitting, name: str, scored: Sequence[Prediction]) -> pd.DataFrame:
    """Scores and measures of one benchmark, computed once: some take minutes."""
    path = sitting.predictions(name).with_suffix(".csv")
    frame = read_summary(path, scored)
    if frame is None:
        frame = summarise(scored)
        replace_text(path, frame.to_csv(index=False))
    return frame
