"""The command `probe`. Nothing heavy is imported until a command needs it: `probe --help` answers at once."""

# Imported in the order in which the help lists their commands.
from probe.commands import train, sweep, look  # isort: skip  # noqa: F401
from backbones.pairs import ModelError
from probe.commands.app import app
from training.door import enter


def main() -> None:
    """The command line, with one sentence for what a person got wrong."""
    enter(app, "probe", ModelError)
