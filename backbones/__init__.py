"""Ground floor: causal language models of both families, from a pair, a hub name or a folder.

`backbones.load("tiny/mamba", ...)` is the door; it is imported on first use, so that naming a pair costs no torch.
"""

from typing import TYPE_CHECKING, Any

from backbones.pairs import ModelError

if TYPE_CHECKING:
    from backbones.models import load

__all__ = ["ModelError", "load"]


def __getattr__(name: str) -> Any:
    if name == "load":
        from backbones.models import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
