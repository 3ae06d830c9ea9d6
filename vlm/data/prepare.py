"""From a plan to a folder of samples that is ready to train on:

    manifest.json                     see `vlm.data.manifest`; last, so that a folder that has one is complete
    train-00000-of-00002.parquet      samples, see `vlm.data.stored`; also validation and test
    unfinished/                       while it is made: the plan, and the parts that are whole

Work is done in parts by several processes, and each part takes its place when it is whole. So it can be stopped at any
moment, and the same command goes on where it was, to the same bytes.
"""

import contextlib
import itertools
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
from tqdm import tqdm

from training.config import ConfigError, require
from training.lock import Lock
from training.run import require_folder
from vlm.data.accounts import facts_of, tallies_of
from vlm.data.columns import described
from vlm.data.manifest import File, Manifest, SplitFiles, read_manifest, written
from vlm.data.mixing import EMBEDDED_GROUP, EMBEDDED_ROWS, GROUP, ROWS, Order, Share, ordered, write_file
from vlm.data.parts import Job
from vlm.data.plan import Plan, Work, fingerprint_of, job_of, survey
from vlm.data.workers import make_parts, processes
from vlm.dataset import MANIFEST, damaged
from vlm.files import replace_text, sha256_of
from vlm.places import Place
from vlm.sample import SPLITS, Split

UNFINISHED = "unfinished"


def prepare(plan: Plan, root: Path, out: Path, workers: int = 1) -> Manifest:
    """Makes the samples of a plan, or what is missing of them; does nothing where they are complete.

    Args:
        root: folder that the folders of the data sets are in.
        out: new, or one that the same command was given before.
        workers: processes.

    Raises:
        ConfigError: something cannot be read, or the folder holds something else. What it holds is as it was.
    """
    require(workers >= 1, f"samples are prepared by at least 1 worker, not {workers}.")
    require_folder(out, "the samples")
    if (out / MANIFEST).exists():
        return _complete(plan, root, out)
    job = job_of(plan, root, out / UNFINISHED)
    found = survey(plan, job)
    found.require_all()
    begun = {
        "plan": plan.to_json(),
        "root": str(root.resolve()),
        "files": fingerprint_of(found.files),
        "test sets": job.contamination.digest() if job.contamination else "",
    }
    _claim(out, begun)
    with _owned(out / UNFINISHED):
        manifest = _make(plan, job, found.work, out, workers)
        beside = out / UNFINISHED / MANIFEST
        beside.write_text(written(manifest), encoding="utf-8")
        os.replace(beside, out / MANIFEST)
    shutil.rmtree(out / UNFINISHED, ignore_errors=True)
    return manifest


def _complete(plan: Plan, root: Path, out: Path) -> Manifest:
    """What a folder holds, if it is whole and what is asked for.

    Raises:
        ConfigError: it is not.
    """
    manifest = read_manifest(Place(str(out)))
    require(manifest.plan == plan.to_json(), f"{out} holds other samples than these: name a new folder.")
    require(
        manifest.embedded or manifest.pictures == _relative(root, out),
        f"the samples in {out} are of the data sets in {(out / manifest.pictures).resolve()}: name a new folder.",
    )
    for name in damaged(Place(str(out))):
        raise ConfigError(f"{out / name} is missing or not what was written: delete {out}, and prepare it again.")
    return manifest


def _relative(root: Path, out: Path) -> str:
    return os.path.relpath(root.resolve(), out.resolve())


def _claim(out: Path, begun: dict[str, Any]) -> None:
    """Makes the folder, or finds it begun in the same way."""
    path = out / UNFINISHED / "plan.json"
    if path.exists():
        there = json.loads(path.read_text(encoding="utf-8"))
        differing = [name for name in begun if there.get(name) != begun[name]]
        require(
            not differing,
            f"{out} was begun with another {' and other '.join(differing)}: name a new folder, or delete it.",
        )
        return
    others = [name.name for name in out.iterdir() if name.name != UNFINISHED] if out.exists() else []
    require(not others, f"{out} is not empty and holds no samples: name a new folder.")
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, json.dumps(begun))


@contextlib.contextmanager
def _owned(folder: Path) -> Iterator[None]:
    """One process at a time is at a folder; what another one left half written there is cleared away."""
    lock = Lock(folder)
    lock.take()
    try:
        for left in itertools.chain(folder.glob("*.partial"), folder.parent.glob("*.partial")):
            left.unlink()
        yield
    finally:
        lock.release()


def _make(plan: Plan, job: Job, work: list[Work], out: Path, workers: int) -> Manifest:
    with processes(workers) as pool:
        make_parts(job, work, pool)
        tallies = tallies_of(job, work)
        read = sorted({name for tally in tallies.values() for name in tally.files})
        digests = {name: pool.submit(sha256_of, job.root / name) for name in read}
        splits: dict[str, SplitFiles] = {}
        kept: Counter[tuple[str, str]] = Counter()
        for split in SPLITS:
            if any(entry.into == split for entry in plan.entries):
                splits[split] = _mix(plan, job, work, out, split, pool, kept)
        hashing = tqdm(digests.items(), desc="hashing annotations", unit=" files", disable=None, leave=False)
        sources = {name: digest.result() for name, digest in hashing}
    return Manifest(
        plan=plan.to_json(),
        pictures="." if plan.embeds else _relative(job.root, out),
        embedded=plan.embeds,
        group=EMBEDDED_GROUP if plan.embeds else GROUP,
        splits=splits,
        sets=facts_of(plan.entries, tallies, kept),
        unchecked=job.contamination.unchecked if job.contamination else ("nothing: contamination was kept",),
        sources=sources,
    )


def _mix(
    plan: Plan, job: Job, work: list[Work], out: Path, split: Split, pool: Executor, kept: Counter[tuple[str, str]]
) -> SplitFiles:
    """Writes the files of a split, those that are not there yet."""
    entries = [entry for entry in plan.entries if entry.into == split]
    shares = []
    for entry in entries:
        own = (one.part for one in work if (one.part.data_set, one.part.split) == (entry.data_set, entry.split))
        paths = tuple(job.parts / f"{part.name}.arrow" for part in own)
        shares.append(Share(name=f"{entry.data_set}|{entry.split}", parts=paths, weight=entry.weight, cap=entry.cap))
    order, counts = ordered(shares, plan.how.seed)
    for entry, count in zip(entries, counts, strict=True):
        kept[entry.data_set, entry.split] += count
    require(len(order) > 0, f"nothing is left for {split}: see what is dropped with --check.")
    rows = EMBEDDED_ROWS if plan.embeds else ROWS
    count = -(-len(order) // rows)
    schema, parts = described(plan.embeds), [path for share in shares for path in share.parts]
    waiting = []
    for number in range(count):
        path = out / f"{split}-{number:05d}-of-{count:05d}.parquet"
        own_rows = slice(number * rows, (number + 1) * rows)
        its = Order(order.part[own_rows], order.row[own_rows], order.copy[own_rows])
        group, pictures = (EMBEDDED_GROUP, job.root) if plan.embeds else (GROUP, None)
        waiting.append(pool.submit(_file, path, its, parts, schema, group, pictures))
    with tqdm(total=len(order), desc=f"writing {split}", unit=" samples", disable=None) as bar:
        files: list[File] = []
        tasks: Counter[str] = Counter()
        for future in waiting:
            file, own_tasks = future.result()
            files.append(file)
            tasks.update(own_tasks)
            bar.update(file.rows)
    return SplitFiles(files=tuple(files), samples=len(order), tasks=dict(sorted(tasks.items())))


def _file(path: Path, order: Order, parts: list[Path], *others: Any) -> tuple[File, dict[str, int]]:
    """Writes a file of samples, or finds it; and counts its tasks."""
    file = write_file(path, order, parts, *others)
    counted = pc.value_counts(pq.read_table(path, columns=["task"])["task"].combine_chunks())
    return file, {one["values"]: one["counts"] for one in counted.to_pylist()}
