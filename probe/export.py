"""What leaves the folder of runs: a finished run's model as a folder of its own, with a card that says where the
weights come from, or the settings and curves of all runs as one table."""

import hashlib
import importlib.util
import json
import os
import shutil
from pathlib import Path

from probe.evaluate import accuracy_of
from training.checkpoint import damage_of
from training.config import require
from training.run import CONFIG, CURVE, read_config, read_curve, read_ran_with, read_state, require_folder, run_folders

ROWS = 10
"""About so many evaluations are told on a card; all of them are in the curve beside it."""

MODEL_FILES = ("config.json", "generation_config.json", "model.safetensors")


def export_as(folder: Path, out: Path | None, parquet: Path | None) -> Path:
    """`export_model` to `out`, or `export_table` to `parquet`.

    Raises:
        ConfigError: both are given or neither is, or what is asked for cannot be done.
    """
    require(
        (out is None) != (parquet is None),
        "say what to write: either --out FOLDER for the model of a run, or --parquet FILE for the curves of all runs.",
    )
    if out is not None:
        return export_model(folder, out)
    assert parquet is not None
    return export_table(folder, parquet)


def export_table(folder: Path, file: Path) -> Path:
    """Writes the frame of `training.frame` of all runs below a folder, or of one run, as a parquet file. Settings that
    are texts stay categories in it; those that are numbers come back as numbers.

    Raises:
        ConfigError: there are no runs, the file exists, or pyarrow is missing. Nothing has been written then.
    """
    folders = [folder] if (folder / CONFIG).is_file() else run_folders(folder)
    require(bool(folders), f"{folder} holds no runs: name the folder of a run, or one that holds runs.")
    require(not file.exists(), f"{file} exists: name a new file.")
    require_folder(file.parent, "the table")
    is_there = importlib.util.find_spec("pyarrow") is not None
    require(is_there, 'parquet files need pyarrow: pip install "retrieval-probe[parquet]".')

    from training.frame import tidy

    frame = tidy(folders)
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(file.name + ".partial")
    frame.to_parquet(beside, engine="pyarrow", index=False)
    os.replace(beside, file)
    return file


def export_model(run: Path, out: Path) -> Path:
    """Writes `out`: what `from_pretrained` reads, the curve, and README.md.

    Raises:
        ConfigError: the run is not finished or kept no weights, or `out` exists.
    """
    require((run / CONFIG).is_file(), f"{run} is not the folder of a run: name one below the folder of runs.")
    require(read_state(run) == "finished", f"{run} is not finished: start its command again.")
    weights = run / "checkpoint" / "model.safetensors"
    require(weights.is_file(), f"{run} kept no weights: run it without --no-keep-weights.")
    damage = damage_of(run / "checkpoint")
    require(not damage, f"the weights of {run} are damaged ({damage}): restore them, or run it anew.")
    require(not out.exists(), f"{out} exists: name a new folder.")
    require_folder(out, "the model")
    out.mkdir(parents=True)
    for name in MODEL_FILES:
        if (run / "checkpoint" / name).exists():
            shutil.copyfile(run / "checkpoint" / name, out / name)
    shutil.copyfile(run / CURVE, out / CURVE)
    (out / "README.md").write_text(_card(run, weights), encoding="utf-8")
    return out


def _card(run: Path, weights: Path) -> str:
    """What the model was, is and can, from the files of its run alone."""
    config, facts, curve = read_config(run), read_ran_with(run), read_curve(run)
    lines = [
        f"# {config.get('name') or config['model']['name']}",
        "",
        f"Weights of run `{run.name}` of this repository's probe, as `probe export` wrote them.",
        "",
        f"- SHA-256 of `model.safetensors`: `{hashlib.sha256(weights.read_bytes()).hexdigest()}`",
        f"- Model: {', '.join(f'{key.replace(chr(95), chr(32))} {value}' for key, value in facts['model'].items())}",
        f"- Command: `{facts.get('command', 'not recorded')}`",
        f"- Made with: {', '.join(f'{name} {version}' for name, version in facts['versions'].items() if version)}",
        f"- On: {facts['device']}, {facts['threads']} threads, {facts['processes']} processes",
        "",
        "| step | loss | held-out loss | held-out accuracy |",
        "|---|---|---|---|",
    ]
    shown = {*range(0, len(curve), max(1, len(curve) // ROWS)), len(curve) - 1}
    for line in (curve[number] for number in sorted(shown)):
        cells = f"{line['step']:,}", f"{line['loss']:.3f}", f"{line['held_out_loss']:.3f}", f"{accuracy_of(line):.1%}"
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "All of the config:", "", "```json", json.dumps(config, indent=1), "```", ""]
    return "\n".join(lines)
