"""`vlm score`: predictions without a model."""

from pathlib import Path
from typing import Annotated, cast

import typer

from vlm.commands.app import app
from vlm.commands.interruption import to_its_end


@app.command(
    epilog="`vlm score vqa_v2 --predictions results.json --references v2_mscoco_val2014_annotations.json` · "
    "`vlm score refcoco --predictions results.json --coordinates pixels` · "
    "`vlm score ai2d --predictions results.json --references data/benchmarks --out ai2d.jsonl`"
)
def score(
    benchmark: Annotated[str, typer.Argument(help="What was asked, such as coco or refcoco+.", metavar="BENCHMARK")],
    predictions: Annotated[
        Path,
        typer.Option(
            help="COCO's or VQA's result file, one of the public implementation, or one that `vlm evaluate` wrote."
        ),
    ],
    references: Annotated[
        str | None,
        typer.Option(
            help="What is right: the data set's annotation file, or a folder of `vlm prepare benchmarks` or its URL; "
            "not needed where the predictions come with it."
        ),
    ] = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Score the answers that are there, where some are missing.")
    ] = False,
    coordinates: Annotated[str, typer.Option(help="What boxes of others are in: shares of the picture, or pixels.")] = (
        "shares"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the scored predictions here, for `vlm compare`.")] = None,
) -> None:
    """Score predictions that were made elsewhere, or score ours again, with intervals and without a model.

    Questions are known by the numbers that the data set gives them. All of them have to be answered, each once.
    """
    import json
    import sys

    from rich.console import Console

    from training.config import require, require_choice
    from training.run import require_folder
    from vlm.evaluate import score as scoring
    from vlm.evaluate.benchmarks import benchmark_named
    from vlm.evaluate.files.coordinates import COORDINATES, Coordinates
    from vlm.evaluate.files.entries import is_ours
    from vlm.evaluate.predictions import write_predictions
    from vlm.evaluate.score_screen import as_json as described
    from vlm.evaluate.score_screen import print_scores

    require_choice("coordinates", coordinates, COORDINATES)
    has_boxes = benchmark_named(benchmark).task == "visual_grounding"
    require(has_boxes or coordinates == "shares", f"answers of {benchmark} are no boxes: leave --coordinates out.")
    if out is not None:
        read = [Path(name).resolve() for name in (predictions, references) if name is not None]
        require(out.resolve() not in read, f"{out} is read from: name another file to write to.")
        require(not out.is_dir(), f"{out} is a folder: name a file in it.")
        is_other = out.exists() and not is_ours(out)
        require(not is_other, f"{out} is there and holds no predictions: name another file to write to.")
        require_folder(out.parent, "the predictions")
    space = cast(Coordinates, coordinates)
    with to_its_end("The same command begins anew."):
        scored = scoring.score(
            benchmark, predictions, references=references, allow_missing=allow_missing, coordinates=space
        )
        if out is not None:
            out.parent.mkdir(parents=True, exist_ok=True)
            write_predictions(out, list(scored.predictions))
    if not scored.is_whole:
        missing = scored.questions - scored.n
        loud = f"Only {scored.n:,} of {scored.questions:,} questions are scored"
        print(f"{loud}: {predictions} leaves {missing:,} unanswered.", file=sys.stderr)
    if as_json:
        print(json.dumps(described(scored), indent=1, ensure_ascii=False))
    else:
        print_scores(Console(), scored)
