"""The command `probe`. Nothing heavy is imported until a command needs it: `probe --help` answers at once.

What a person can get wrong ends here in one sentence on stderr and exit code 2. An interrupted run is saved and ends
with 130, as the shell has it for Ctrl-C.
"""

import sys

import typer

# Imported in the order in which the help lists their commands.
from probe.commands import train, sweep, look  # isort: skip  # noqa: F401
from backbones.pairs import ModelError
from probe.commands.app import app
from probe.options import stop
from training.config import ConfigError
from training.run import StorageError


def main() -> None:
    """The command line, with one sentence for what a person got wrong."""
    # typer carries its own copy of click in newer versions: the class is the one it uses.
    usage_error: type[Exception] = typer.BadParameter.__mro__[1]
    try:
        code = app(standalone_mode=False)
    except (ConfigError, ModelError, StorageError) as error:
        stop(str(error), 2)
    except usage_error as error:
        message = error.format_message().rstrip(".")  # type: ignore[attr-defined]
        if not message:  # `probe` alone: the help has been printed
            sys.exit(2)
        stop(f"{message}. Try `probe --help`.", 2)
    except (KeyboardInterrupt, typer.Abort):
        stop("Interrupted.", 130)
    else:
        sys.exit(code if isinstance(code, int) else 0)
