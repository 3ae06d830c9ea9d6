"""Configs: frozen, keyword-only, typed dataclasses that refuse what cannot work, and the identity they give a run.

A config is complete: its defaults are written and hashed with it, so that a default that changes in a later version
makes another run and never re-uses an old one.
"""

import dataclasses
import functools
import hashlib
import json
import math
import numbers
import types
import typing
from dataclasses import dataclass
from typing import Any, Literal, get_args

C = typing.TypeVar("C")

Schedule = Literal["cosine", "constant"]
Precision = Literal["fp32", "bf16"]

KINDS: dict[type, tuple[type, str]] = {
    int: (numbers.Integral, "a whole number"),
    float: (numbers.Real, "a number"),
    bool: (bool, "True or False"),
    str: (str, "a text"),
}
"""What a setting of a plain type accepts, and what that is called."""


class ConfigError(ValueError):
    """Something a person asked for cannot be done. The message is one sentence that says what to do."""


@dataclass(frozen=True, kw_only=True)
class Optimisation:
    """How a model is trained, whatever it is trained on. The defaults are the paper's protocol (appendix C.4): a
    global batch of 64 for 78,125 steps (1M examples, 5 epochs), judged after every hundredth of the steps. What it
    leaves open follows the paper's main runs where these say it (Table 8: AdamW, cosine decay, warm-up over 3 % of the
    steps), and is this repository's choice where they do not (weight decay, betas, clipping).
    """

    steps: int = 78_125
    batch: int = 64
    """Examples in a step, over all processes."""
    micro_batch: int | None = None
    """Most examples that a process takes at once; None for all of its part. Smaller needs less memory."""
    learning_rate: float = 1e-3
    schedule: Schedule = "cosine"
    warmup: float = 0.03
    """Share of the steps in which the learning rate rises from 0."""
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    clip: float = 1.0
    """Largest norm of the gradient."""
    precision: Precision = "fp32"
    """bf16 is autocast: the weights and the optimizer stay in fp32."""
    evaluations: int = 100
    """Evaluations over the planned steps, evenly spaced."""

    def __post_init__(self) -> None:
        conform(self)
        for name in ("steps", "batch", "evaluations"):
            require(getattr(self, name) >= 1, f"{name} must be at least 1, not {getattr(self, name)}.")
        require(
            self.micro_batch is None or self.micro_batch >= 1,
            f"micro_batch must be at least 1, not {self.micro_batch}.",
        )
        require(
            math.isfinite(self.learning_rate) and self.learning_rate > 0,
            f"the learning rate must be a positive number, not {self.learning_rate}.",
        )
        require(
            self.evaluations <= self.steps,
            f"{self.evaluations} evaluations do not fit into {self.steps} steps: ask for fewer.",
        )
        require(0 <= self.warmup < 1, f"warmup is a share of the steps, from 0 to below 1, not {self.warmup}.")
        require(self.weight_decay >= 0, f"weight_decay must not be negative, as {self.weight_decay} is.")
        require(self.clip > 0, f"clip must be positive, not {self.clip}.")
        require(all(0 <= beta < 1 for beta in self.betas), f"betas lie from 0 to below 1, not {self.betas}.")

    def evaluation_steps(self) -> list[int]:
        """The steps after which the model is judged: the last one is always among them."""
        return [math.ceil(k * self.steps / self.evaluations) for k in range(1, self.evaluations + 1)]


def require(holds: bool, otherwise: str) -> None:
    """Raises ConfigError with this sentence unless the condition holds (a comparison with nan does not)."""
    if not holds:
        raise ConfigError(otherwise)


def require_choice(name: str, value: object, choices: typing.Iterable[str]) -> None:
    choices = list(choices)
    require(value in choices, f"{name} must be one of {', '.join(choices)}, not {value!r}.")


def conform(config: Any) -> None:
    """Gives every setting of a frozen dataclass the type it is annotated with. For its `__post_init__`: a config that
    says 1 where it means 1.0 has the identity of one that says 1.0.

    Raises:
        ConfigError: a value cannot be of that type.
    """
    kind: Any = type(config)
    for name, hint in _hints(kind).items():
        value = getattr(config, name)
        if type(value) is not hint:  # it is for nearly all, of millions of predictions
            object.__setattr__(config, name, _conformed(name, hint, value))


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    """Of a class, once: millions of small configs are conformed, such as predictions."""
    return typing.get_type_hints(kind)


def to_dict(config: Any) -> dict[str, Any]:
    """The whole config as JSON would hold it."""
    return typing.cast(dict[str, Any], json.loads(json.dumps(dataclasses.asdict(config))))


def from_dict(kind: type[C], settings: dict[str, Any]) -> C:
    """The config of this class that `to_dict` gave these settings of.

    Raises:
        ConfigError: it is no config of this version: a setting is unknown, missing or impossible.
    """
    of: Any = kind
    hints = _hints(of)
    unknown = settings.keys() - hints.keys()
    missing = hints.keys() - settings.keys()
    require(not unknown, f"{kind.__name__} has no setting {', '.join(sorted(unknown))} in this version.")
    require(not missing, f"{kind.__name__} needs {', '.join(sorted(missing))} in this version.")
    return kind(**{name: _read(hints[name], value) for name, value in settings.items()})


def _read(hint: Any, value: Any) -> Any:
    """A part of a config, where the setting is one; of several kinds, the one that has these settings."""
    kinds = [kind for kind in (hint, *get_args(hint)) if dataclasses.is_dataclass(kind)]
    if not kinds or not isinstance(value, dict):
        return value
    names = value.keys()
    fitting = (kind for kind in kinds if {field.name for field in dataclasses.fields(kind)} == names)
    return from_dict(typing.cast(Any, next(fitting, kinds[0])), value)


def flatten(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """What `to_dict` gave on one level, keys joined by dots: `optimisation.steps`."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat


def identity(config: Any) -> str:
    """Twelve hex digits that name a run: a hash of the whole config as canonical JSON."""
    return hash_of(type(config).__name__, to_dict(config))


def hash_of(kind: str, settings: dict[str, Any]) -> str:
    """`identity` of a config of this class, from what `to_dict` gives."""
    canonical = json.dumps({"kind": kind, "config": settings}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def _conformed(name: str, hint: Any, value: Any) -> Any:
    """`value` as the type that a setting is annotated with: a whole number passes for a float, numpy's for Python's."""
    origin = typing.get_origin(hint)
    if origin is Literal:
        require_choice(name, value, get_args(hint))
        return value
    if origin is types.UnionType:
        kinds = get_args(hint)
        fitting = (kind for kind in kinds if isinstance(kind, type) and type(value) is kind)
        return None if value is None and type(None) in kinds else _conformed(name, next(fitting, kinds[0]), value)
    if origin is tuple:
        kinds = get_args(hint)
        if kinds[1:] == (...,) and isinstance(value, tuple | list):
            kinds = (kinds[0],) * len(value)
        require(isinstance(value, tuple | list) and len(value) == len(kinds), f"{name} must be {len(kinds)} values.")
        return tuple(
            item if type(item) is kind else _conformed(name, kind, item)
            for kind, item in zip(kinds, value, strict=True)
        )
    accepted, called = KINDS.get(hint, (hint, f"a {hint.__name__}"))
    right = isinstance(value, accepted) and (hint is bool or not isinstance(value, bool))
    require(right, f"{name} must be {called}, not {value!r}.")
    return hint(value) if hint in KINDS else value
