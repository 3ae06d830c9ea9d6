"""`vlm chat` and `generate`: what a model says about pictures of one's own."""

from pathlib import Path
from typing import Annotated

import typer

from vlm.commands.app import app
from vlm.options import AskedOrder, Checkpoint, NewTokens, SamplingSeed, Temperature, TopP


@app.command(epilog="`vlm chat runs/world --image data/world/images/test/000000.png`")
def chat(
    model: Checkpoint,
    image: Annotated[Path, typer.Option(help="A picture.")],
    task: Annotated[str, typer.Option(help="vqa (lines are questions) or visual_grounding (things to locate).")] = (
        "vqa"
    ),
    order: AskedOrder = None,
    max_new_tokens: NewTokens = 80,
    temperature: Temperature = 0.0,
    top_p: TopP = 1.0,
    seed: SamplingSeed = 0,
) -> None:
    """Ask about a picture, line by line; an empty line is answered with a caption, Ctrl-D ends."""
    from vlm.talk import chat as talk

    talk(model, image, task, order, max_new_tokens=max_new_tokens, temperature=temperature, top_p=top_p, seed=seed)


@app.command(epilog="`vlm generate runs/world/RUN --samples questions.jsonl --out answers.jsonl`")
def generate(
    model: Checkpoint,
    samples: Annotated[Path, typer.Option(help="File of samples, pictures named relative to its folder.")],
    out: Annotated[Path, typer.Option(help="File for the answers, a JSON line each; must not exist.")],
    order: AskedOrder = None,
    batch: Annotated[int, typer.Option(help="Samples that are answered at once.", min=1)] = 64,
    max_new_tokens: NewTokens = 80,
    temperature: Temperature = 0.0,
    top_p: TopP = 1.0,
    seed: SamplingSeed = 0,
) -> None:
    """Answer every sample of a file; what would be right may be left out of it."""
    from vlm.talk import generate_file

    generate_file(
        model,
        samples,
        out,
        order,
        batch,
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        top_p=top_p,
        seed=seed,
    )
