"""Seconds, memory and disk of the selection by rare noun phrases, at growing numbers of pairs.

    python -m benchmarks.grit_filter          writes benchmarks/results/grit_filter.json

The phrases are drawn as often as words are: the k-th most frequent of 5 million has a share like k^-1.1; a pair has one
to four. They are drawn beforehand, into a file of one line for each pair. A fresh process reads it line by line, as it
would read captions, and selects. `peak_mb` is the most memory it ever had, and `empty_mb` the most before it starts.
Then the selection is held against the counts of all phrases. Target: time in proportion to the pairs, and memory that
does not grow, but for the selection itself, a byte for each pair.

Processors may be shared with other work while it runs: `processor_seconds` count what this process used alone, and
`load` is how many processes wanted one in the last minute.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from vlm.data.phrase_filter import PhraseFilter

SIZES = (250_000, 500_000, 1_000_000, 2_000_000, 20_000_000)
RANKS, EXPONENT, MOST_PHRASES = 5_000_000, 1.1, 4
RAREST, MOST = 3, 8


def draw(folder: Path, pairs: int) -> None:
    """Writes the phrases of every pair, as text for the filter and as numbers for the check."""
    generator = np.random.default_rng(0)
    reach = np.cumsum(np.arange(1, RANKS + 1) ** -EXPONENT)
    each = generator.integers(1, MOST_PHRASES + 1, size=pairs)
    ranks = np.searchsorted(reach, generator.random(each.sum()) * reach[-1])
    with open(folder / "phrases.txt", "w", encoding="ascii") as file:
        end = 0
        for count in each:
            file.write("\t".join(f"noun phrase {rank}" for rank in ranks[end : end + count]) + "\n")
            end += count
    np.save(folder / "phrase_of.npy", ranks)
    np.save(folder / "pair_of.npy", np.repeat(np.arange(pairs), each))


def select(folder: Path, pairs: int) -> None:
    """What is measured: from a file of phrases to the selection. Prints the measurement."""
    empty = _peak()
    started, worked = time.perf_counter(), time.process_time()
    phrases = PhraseFilter(folder / "partitions", pairs, rarest=RAREST, most=MOST)
    with open(folder / "phrases.txt", encoding="ascii") as file:
        for number, line in enumerate(file):
            phrases.add(number, f"{number:09d}", line.rstrip("\n").split("\t"))
    added = time.perf_counter()
    selection = phrases.select()
    ended, worked = time.perf_counter(), time.process_time() - worked
    peak = _peak()
    disk = sum(path.stat().st_size for path in (folder / "partitions").iterdir())
    np.save(folder / "chosen.npy", selection.chosen)
    measured = {
        "pairs": pairs,
        "seconds": round(ended - started, 2),
        "processor_seconds": round(worked, 2),
        "adding": round(added - started, 2),
        "selecting": round(ended - added, 2),
        "microseconds_per_pair": round(1e6 * worked / pairs, 2),
        "load": round(os.getloadavg()[0], 1),
        "peak_mb": round(peak),
        "empty_mb": round(empty),
        "disk_mb": round(disk / 1e6),
        "selected": int(selection.chosen.sum()),
        "below": selection.below,
        "within": selection.within,
        "above": selection.above,
    }
    print(json.dumps(measured))


def check(folder: Path, measured: dict[str, int]) -> None:
    """Holds the selection against the counts of all phrases."""
    chosen = np.load(folder / "chosen.npy")
    pairs = len(chosen)
    both = np.unique(np.load(folder / "phrase_of.npy") * pairs + np.load(folder / "pair_of.npy"))
    phrase_of, pair_of = both // pairs, both % pairs
    counts = np.bincount(phrase_of)
    kept = np.bincount(phrase_of[chosen[pair_of]], minlength=len(counts))
    below, within, above = (counts > 0) & (counts < RAREST), (counts >= RAREST) & (counts <= MOST), counts > MOST
    assert [below.sum(), within.sum(), above.sum()] == [measured[name] for name in ("below", "within", "above")]
    assert (kept[within] == counts[within]).all(), "a phrase within the limits lacks pairs"
    assert (kept[above] >= MOST).all(), "a frequent phrase lacks pairs"
    needed = np.bincount(pair_of, weights=within[phrase_of], minlength=pairs) > 0
    # Whatever no phrase within the limits asks for was drawn by a frequent one, which draws no more than it may.
    assert (chosen & ~needed).sum() <= MOST * above.sum(), "frequent phrases have drawn too many"
    assert not chosen[np.bincount(pair_of, weights=~below[phrase_of], minlength=pairs) == 0].any()


def measure(pairs: int) -> dict[str, int]:
    """Draws, selects in a process of its own, and checks."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw(folder, pairs)
        command = [sys.executable, "-m", "benchmarks.grit_filter", name, str(pairs)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        measured: dict[str, int] = json.loads(done.stdout)
        check(folder, measured)
    return measured


def _peak() -> float:
    """Megabytes that this process has held at most. What getrusage says would be the parent's, where that is more."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


def main() -> None:
    from benchmarks.timing import write_results  # it takes in torch, and more memory than the filter does

    rows: list[dict[str, object]] = []
    for pairs in SIZES:
        rows.append({**measure(pairs)})
        print("  ".join(f"{name} {value:,}" for name, value in rows[-1].items()), flush=True)
    write_results("grit_filter", "python -m benchmarks.grit_filter", rows)


if __name__ == "__main__":
    if sys.argv[1:]:
        select(Path(sys.argv[1]), int(sys.argv[2]))
    else:
        main()
