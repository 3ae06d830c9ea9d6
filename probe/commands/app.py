"""The application that the commands are registered with."""

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Does a model find a token in its context and say where it stood? Transformers and Mamba, side by side.",
    epilog="Start with `probe sample`, then `probe sweep experiments/quick.py --out runs/quick`.",
)
