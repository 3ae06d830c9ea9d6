"""What a run was asked to do, in the words of tables and figures: from its config alone, without torch."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, TypeVar

from backbones.pairs import FAMILIES, pair_of
from training.config import flatten

SETTINGS = [
    "run",
    "pair",
    "variant",
    "model",
    "family",
    "query",
    "order",
    "supervision",
    "length",
    "threshold",
    "learning_rate",
    "weight_seed",
    "init_seed",
    "data_seed",
]
FACTS = ["parameters", "parameters_beneath", "layers", "width", "rows_of_vocabulary", "tied"]
"""Of a run's model, where it has started: what `backbones.models.ledger` says."""
EXPECTED_TO_DIFFER = {
    "task.length",
    "task.order",
    "task.seed",
    "model.name",
    "model.weight_seed",
    "model.init_seed",
    "optimisation.learning_rate",
    "optimisation.micro_batch",
    "supervision",
}
"""Settings in which runs of one figure may differ: it shows them apart, or draws their spread, or nothing follows."""

T = TypeVar("T", bound=Hashable)


def settings_of(run: str, config: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """The settings of a run but its variant, and its planned steps.

    Args:
        config: as `training.run.read_config` gives it.
        facts: of the model, as the run wrote them when it started; empty before.

    Raises:
        KeyError, TypeError: it is no run of the probe as this version writes it.
    """
    model, task, optimisation = config["model"], config["task"], config["optimisation"]
    named = model["name"].rpartition("/")[2]
    return {
        "run": run,
        "pair": pair_of(model["name"]),
        "model": model["name"],
        "family": facts.get("family") or (named if named in FAMILIES else "unknown"),
        "query": query_of(task["order"], config["supervision"]),
        "order": task["order"],
        "supervision": config["supervision"],
        "length": task["length"],
        "threshold": config["threshold"],
        "learning_rate": optimisation["learning_rate"],
        "weight_seed": model["weight_seed"],
        "init_seed": model["init_seed"],
        "data_seed": task["seed"],
        "planned_steps": optimisation["steps"],
    }


def query_of(order: str, supervision: str) -> str:
    """Where the query stands and from where on the answer is asked for, in words."""
    return order if supervision == "answer" else f"{order}, asked from the target on"


def variants(settings: Sequence[dict[str, Any]], configs: Sequence[dict[str, Any]]) -> list[str]:
    """What differs between runs that a figure would otherwise put together: in words, a run at a time, and empty where
    nothing does. All runs of a pair say all that is different in any of its figures, so that those which agree in it
    stay together.

    Args:
        settings: of each run, what `settings_of` gives.
        configs: of each run.
    """
    flat = [flatten(config) for config in configs]
    words: list[list[str]] = [[] for _ in flat]
    for group in _groups((some["pair"], some["family"]) for some in settings):
        asked = _groups((settings[n]["query"], settings[n]["length"]) for n in group)
        if any(len({settings[group[k]]["model"] for k in some}) > 1 for some in asked):
            for number in group:
                words[number].append(short(flat[number]["model.name"]))
    for group in _groups(some["pair"] for some in settings):
        asked = _groups((settings[n]["query"], settings[n]["length"]) for n in group)
        differing = {key for some in asked for key in _differing([flat[group[k]] for k in some])}
        for number in group:
            words[number] += [f"{k.rpartition('.')[2]} {flat[number].get(k, 'unknown')}" for k in sorted(differing)]
    return [", ".join(some) for some in words]


def short(model: str) -> str:
    """A name that fits a table: the last two parts of a path."""
    return "/".join(model.split("/")[-2:])


def _groups(keys: Iterable[T]) -> list[list[int]]:
    """Numbers of the keys that are equal."""
    found: dict[T, list[int]] = {}
    for number, key in enumerate(keys):
        found.setdefault(key, []).append(number)
    return list(found.values())


def _differing(configs: Sequence[dict[str, Any]]) -> set[str]:
    """Settings that are not the same in all of these configs, and that figures do not show apart."""
    keys = {key for config in configs for key in config} - EXPECTED_TO_DIFFER
    return {key for key in keys if len({str(config.get(key, "unknown")) for config in configs}) > 1}
