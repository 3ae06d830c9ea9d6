"""The application that the commands are registered with."""

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="A vision-language model with a Transformer or Mamba behind the same encoder, on the same data, side by side.",
    epilog="Start with `vlm world --out data/world`, then `vlm train --data data/world --out runs/world`.",
)
