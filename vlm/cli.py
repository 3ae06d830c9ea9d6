"""The command `vlm`. Nothing heavy is imported until a command needs it: `vlm --help` answers at once."""

# Imported in the order in which the help lists their commands.
# isort: off
from vlm.commands import world, prepare, train, sweep, evaluate, score, compare, talk, look, released  # noqa: F401

# isort: on
from backbones.pairs import ModelError
from training.door import enter
from vlm.commands.app import app


def main() -> None:
    """The command line, with one sentence for what a person got wrong."""
    enter(app, "vlm", ModelError)
