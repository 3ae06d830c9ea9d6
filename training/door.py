"""The door of a command line: what a person can get wrong ends here in one sentence on stderr and exit code 2.

An interrupted run is saved and ends with 130, as the shell has it for Ctrl-C. Nothing heavy is imported.
"""

import sys
from typing import NoReturn

import typer

from training.config import ConfigError
from training.run import StorageError

INTERRUPTED = 130


def enter(app: typer.Typer, name: str, *refusals: type[Exception]) -> NoReturn:
    """Carries out the command that was typed, and ends the process.

    Args:
        name: of the program: `probe`.
        refusals: errors, beside those of `training`, whose message is one sentence for a person.
    """
    # typer carries its own copy of click in newer versions: the class is the one it uses.
    usage_error: type[Exception] = typer.BadParameter.__mro__[1]
    refused: tuple[type[Exception], ...] = (ConfigError, StorageError, *refusals)
    try:
        code = app(standalone_mode=False)
    except refused as error:
        stop(str(error), 2)
    except usage_error as error:
        message = error.format_message().rstrip(".")  # type: ignore[attr-defined]
        if not message:  # the name alone: the help has been printed
            sys.exit(2)
        stop(f"{message}. Try `{name} --help`.", 2)
    except (KeyboardInterrupt, typer.Abort):
        stop("Interrupted.", INTERRUPTED)
    if code == INTERRUPTED:  # typer makes it of a Ctrl-C, without a word
        stop("Interrupted.", INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def stop(sentence: str, code: int) -> NoReturn:
    """Ends the command with a sentence on stderr."""
    print(sentence, file=sys.stderr)
    sys.exit(code)
