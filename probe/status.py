"""What `probe status` says of runs beyond what every run has: their settings, when they learned, which family learns
first. It imports no torch.
"""

import contextlib
from collections.abc import Sequence

from backbones.pairs import FAMILIES
from probe.settings import FACTS, settings_of, short, variants
from training.progress import Progress
from training.status import Overview, Row, Words


def _describe(runs: Sequence[Progress]) -> list[Row]:
    """Settings of each run, and facts about its model. What has no such setting is without it."""
    rows = [_settings(run) for run in runs]
    probes = [n for n, row in enumerate(rows) if "query" in row]
    for n, variant in zip(probes, variants([rows[n] for n in probes], [runs[n].config for n in probes]), strict=True):
        rows[n]["variant"] = variant
    return rows


def _settings(run: Progress) -> Row:
    row: Row = {"variant": ""}
    facts = run.ran_with.get("model", {})
    if run.kind == "ProbeConfig":
        with contextlib.suppress(KeyError, TypeError):
            row |= settings_of(run.folder.name, run.config, facts)
    elif "name" in run.config:
        row |= {"model": run.config["name"], "learning_rate": run.config["optimisation"]["learning_rate"]}
        row |= {"length": run.config.get("corpus", {}).get("length")}
    return row | {fact: facts.get(fact) for fact in FACTS}


def _model(row: Row) -> str:
    return short(row.get("model") or row["kind"]) + (f", {row['variant']}" if row["variant"] else "")


def _order(row: Row) -> str:
    asked = "" if row.get("supervision", "answer") == "answer" else f" ({row['supervision']})"
    return f"{row.get('order', '-')}{asked}"


def _seeds(row: Row) -> str:
    return "/".join(str(row[seed]) for seed in ("weight_seed", "init_seed", "data_seed") if seed in row) or "-"


def _learned_at(row: Row) -> str:
    if row["steps_to_threshold"] is not None:
        return f"{row['steps_to_threshold']:,}"
    return f"not by {row['step']:,}" if row["step"] and "query" in row else "-"


def _remarks(seen: Overview) -> list[str]:
    lines = []
    if any(run.kind == "PretrainConfig" for run in seen.runs):
        said = "the share of predictable tokens that are predicted"
        lines.append(f"Accuracy of a pretraining: {said}. Its weights are in the folder of the run, in checkpoint.")
    if "failed" in seen.totals.states:
        lines.append("probe retry runs those that failed again.")
    return lines


def _comparison(rows: Sequence[Row]) -> list[str]:
    """Which family learns first, and what the models do not match in, where both families of a pair are there."""
    probes = [row for row in rows if "query" in row]
    if not {row["family"] for row in probes} >= set(FAMILIES):
        return []
    # pandas takes a while to import: here, where there is something to compare.
    import pandas as pd

    from probe.first import unequal_facts, who_is_first

    runs = pd.DataFrame(probes)
    return [*who_is_first(runs), *unequal_facts(runs)]


WORDS = Words(
    command="probe",
    describe=_describe,
    settings={
        "model": _model,
        "order": _order,
        "length": lambda row: str(row.get("length", "-")),
        "lr": lambda row: f"{row['learning_rate']:g}" if "learning_rate" in row else "-",
        "seeds w/i/d": _seeds,
    },
    results={"learned at": _learned_at},
    order=("model", "variant", "query", "length", "learning_rate", "run"),
    remarks=_remarks,
    comparison=_comparison,
)
