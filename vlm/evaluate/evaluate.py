"""Checkpoints on benchmarks: predictions of each, and what they say of each other.

out/FAMILY-ORDER/BENCHMARK.jsonl             predictions, once a benchmark is done
out/FAMILY-ORDER/BENCHMARK.said              what has been said so far, until then: `vlm.evaluate.said`
out/FAMILY-ORDER/BENCHMARK.csv               its scores and measures, by part
out/FAMILY-ORDER/BENCHMARK.submission.json   for its test server, where there is one
out/FAMILY-ORDER/asked.json                  what they depend on: `vlm.evaluate.asked`
benchmarks.png, .pdf, .csv                   scores of all models, and the best constant answers
differences.csv                              of models, paired, with their intervals

The last two are in the folder for figures, or in `out`. Under `accelerate launch` processes share the questions.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from accelerate import Accelerator
from rich.console import Console
from tqdm import tqdm

from training.config import Precision
from training.run import require_folder
from training.session import part
from vlm.evaluate.answer import BATCH, answer
from vlm.evaluate.asked import Turn, turns_of
from vlm.evaluate.benchmarks import benchmark_named
from vlm.evaluate.figure import draw_results
from vlm.evaluate.predictions import (
    Prediction,
    entries_of,
    judge,
    read_predictions,
    scored_in,
    write_predictions,
)
from vlm.evaluate.results import left_out, read_summary, summarise
from vlm.evaluate.said import Said
from vlm.evaluate.screen import print_measures, print_results
from vlm.evaluate.table import Evaluated, differences, scores
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
        benchmarks: names; none for all that the samples are of.
        figures: folder for the tables and the figure; `out` unless given.
        order: the order to ask in; None for the one that a model was trained with.
        limit: questions of each benchmark, the first ones. What they are answered with is kept when more are asked.
        batch: questions that are answered at once.
        precision: of arithmetic, for all models; weights stay as they are.
        one_expression: of each object that is referred to, the last expression alone (as published; D2).

    Raises:
        ConfigError: something cannot be evaluated. What `out` holds is as it was.
    """
    require_folder(out, "the predictions")
    require_folder(figures or out, "the figure")
    turns = turns_of(
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
    for turn in turns:
        _ask(turn, accelerator, batch)
    part()
    if accelerator.is_main_process:
        _report(turns, figures or out, f"{', '.join(dict.fromkeys(one.model.name for one in turns))}, {split} split")


def _ask(turn: Turn, accelerator: Accelerator, batch: int) -> None:
    """Asks one model what it was not asked yet, and keeps what it says."""
    known = {name: turn.known(name) for name in turn.own}
    unasked = [name for name, samples in turn.own.items() if len(known[name]) < len(samples)]
    accelerator.wait_for_everyone()  # until all know what is there, none may write
    if not unasked:
        return
    model = turn.model.load(accelerator.device)
    if accelerator.is_main_process:
        turn.claim()
    total = sum(len(turn.own[name]) for name in unasked)
    shown = None if accelerator.is_main_process else True
    with tqdm(total=total, desc=turn.place.name, unit="answer", disable=shown, leave=False) as bar:
        for name in unasked:
            bar.set_postfix_str(name)
            benchmark, samples, said = benchmark_named(name), turn.own[name], Said(turn.predictions(name))
            texts = answer(
                model,
                benchmark,
                samples,
                turn.samples.picture,
                order=turn.asked.order,
                said=said,
                accelerator=accelerator,
                known=known[name],
                precision=turn.asked.precision,
                bar=bar,
                batch=batch,
            )
            if accelerator.is_main_process:
                _keep(turn, name, judge(benchmark, samples, texts))
                said.clear()
            accelerator.wait_for_everyone()


def _keep(turn: Turn, name: str, predictions: Sequence[Prediction]) -> None:
    """Writes predictions, what a test server takes, and takes away what was computed of fewer of them."""
    path = turn.predictions(name)
    path.with_suffix(".csv").unlink(missing_ok=True)
    if entries := entries_of(predictions):
        path.with_suffix(".submission.json").write_text(json.dumps(entries, ensure_ascii=False), encoding="utf-8")
    write_predictions(path, predictions)


def _report(turns: Sequence[Turn], figures: Path, title: str) -> None:
    """Tables, figure and the data of both."""
    found, frames, hidden = [], [], []
    for turn in turns:
        for name in turn.own:
            predictions = read_predictions(turn.predictions(name))
            scored = scored_in(predictions)
            if len(scored) < len(predictions):
                hidden.append(turn.predictions(name).with_suffix(".submission.json"))
            if scored:
                found.append(
                    Evaluated(
                        pair=turn.pair,
                        size=turn.model.name,
                        family=turn.model.architecture.family,
                        order=turn.asked.order,
                        predictions=scored,
                    )
                )
                frames.append(_summary(turn, name, scored))
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
        console.print(f"{path} holds answers that its test server scores.", highlight=False, soft_wrap=True)


def _summary(turn: Turn, name: str, scored: Sequence[Prediction]) -> pd.DataFrame:
    """Scores and measures of one benchmark, computed once: some take minutes."""
    path = turn.predictions(name).with_suffix(".csv")
    frame = read_summary(path, benchmark_named(name))
    if frame is None:
        frame = summarise(scored)
        frame.to_csv(path, index=False)
    return frame
