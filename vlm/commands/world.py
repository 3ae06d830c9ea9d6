"""`vlm world`: pictures and samples drawn from a seed."""

from pathlib import Path
from typing import Annotated

import typer

from vlm.commands.app import app


@app.command(epilog="`vlm world --out data/world` · `vlm world --out data/large --images 50000 --size 336`")
def world(
    out: Annotated[Path, typer.Option(help="Folder for the world: new, or the same world begun before.")],
    images: Annotated[int, typer.Option(help="Training pictures.", min=1)] = 8_000,
    evaluation_images: Annotated[
        int | None,
        typer.Option(help="Pictures of validation and of test; a twentieth, 50 at least, unless given.", min=1),
    ] = None,
    size: Annotated[int, typer.Option(help="Side of a picture, in pixels.", min=32)] = 96,
    seed: Annotated[int, typer.Option(help="Another seed is another world.")] = 0,
    workers: Annotated[int, typer.Option(help="Processes that draw.", min=1)] = 1,
) -> None:
    """Draw a world: shapes and words with everything known about them, and samples of all task groups.

    Test pictures have combinations of colour and shape that training does not. The same world again does nothing.
    """
    from vlm.world.dataset import make_world

    made = make_world(out, images, size=size, seed=seed, evaluation_images=evaluation_images, workers=workers)
    for split, counts in made.samples.items():
        print(f"{split}: {sum(counts.values()):,} samples, {', '.join(f'{n:,} {name}' for name, n in counts.items())}")
