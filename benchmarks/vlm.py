"""What the vision-language half saves against the usual way, and what a token costs either family.

    python -m benchmarks.vlm packing          writes benchmarks/results/vlm_packing.json
    python -m benchmarks.vlm logits           vlm_logits.json
    python -m benchmarks.vlm generation       vlm_generation.json
    python -m benchmarks.vlm speed            vlm_speed.json, vlm_speed.csv and vlm_speed.png
    python -m benchmarks.vlm all              all four, about ten minutes on two cores

Weights are random and nothing is downloaded. Every figure is a ratio of things measured in turns in one run. With a GPU
all but `packing` run on it, in bfloat16, and `--pair 1.4b` takes the shapes of a pretrained pair.

packing     The share of tokens that are of a sample, packed and padded on the right, in batches of the same order: on
            the world, and on lengths like those of the paper's mix (`benchmarks.mix`). Rows of 1,024 hold one sample of
            the mix each, since a picture takes 601: there packing does nothing. Target at the usual pack_length: 95 %.
logits      A training step with logits where there are labels, and with logits everywhere, 50,304 rows; the same loss.
generation  40 tokens behind each of 16 pictures and questions: together with a cache; and one at a time, reading all
            again for every token, as the public implementation does. Target: ten times as many tokens a second.
speed       Prefill and decode of the pair apart, over lengths of context and batches, and what the cache holds.
"""

import itertools
import multiprocessing
import random
import resource
import statistics
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any

import torch
import torch.nn.functional as F
import typer
from torch import Tensor

from backbones.pairs import FAMILIES
from benchmarks.mix import MAX_LENGTH, draw_lengths
from benchmarks.models import make_model, question
from benchmarks.timing import DEVICE, RESULTS, interleaved, times, write_results
from benchmarks.vlm_speed import draw_speeds, speeds
from vlm.config import TrainConfig
from vlm.generate import generate
from vlm.model import VisionLanguageModel
from vlm.packing import Batch, batch_of, pack
from vlm.presets import preset_of
from vlm.prompt import UNSCORED, lay_out
from vlm.sample import Sample
from vlm.vision import build_encoder
from vlm.vocabulary import read_vocabulary
from vlm.world.scene import make_scene
from vlm.world.tasks import samples_of

Pair = Annotated[str, typer.Option(help="tiny, small, 160m, 410m, 1b, 1.4b or 2.8b.")]
Row = dict[str, Any]
app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, rich_markup_mode=None)

PICTURES = 800
"""Of the world that lengths are counted on."""
DRAWN = 12_800
LOGIT_SAMPLES = 2
PROMPTS, NEW_TOKENS = 16, 40


@app.command()
def packing() -> None:
    """The share of useful tokens, packed and padded."""
    world = preset_of("tiny/mamba")
    data = {
        "world": (world_lengths(), (world.max_length, world.pack_length)),
        "paper's mix": (draw_lengths(DRAWN), (MAX_LENGTH, TrainConfig.pack_length)),
    }
    rows: list[Row] = []
    for name, (lengths, pack_lengths) in data.items():
        for pack_length, count in itertools.product(pack_lengths, (128, 64, 32)):
            batches = [lengths[n : n + count] for n in range(0, len(lengths) - count + 1, count)]
            useful = sum(map(sum, batches))
            packed = sum(packed_tokens(batch, pack_length) for batch in batches)
            padded = sum(len(batch) * max(batch) for batch in batches)
            rows.append({"data": name, "pack_length": pack_length, "samples": count})
            rows[-1] |= {"mean_length": round(statistics.mean(lengths), 1)}
            rows[-1] |= {"useful_packed": round(useful / packed, 4), "useful_padded": round(useful / padded, 4)}
            rows[-1] |= {"times_fewer_tokens": round(padded / packed, 2)}
            print(rows[-1], flush=True)
    write_results("vlm_packing", "python -m benchmarks.vlm packing", rows)


def world_lengths() -> list[int]:
    """Tokens of the samples of a world in an order of training; its pictures need not be drawn for it."""
    settings = preset_of("tiny/mamba")
    vocabulary, grid = read_vocabulary(settings.model.vocabulary), build_encoder(settings.model.vision).grid
    samples = [sample for n in range(PICTURES) for sample in samples_of(make_scene(0, "train", n))]
    random.Random(0).shuffle(samples)
    laid_out = (lay_out(s, "task-agnostic", vocabulary, grid, max_length=settings.max_length) for s in samples)
    return [len(layout.ids) for layout in laid_out]


def packed_tokens(lengths: Sequence[int], pack_length: int) -> int:
    """Tokens that a batch has packed, padding among them."""
    rows = pack(lengths, pack_length)
    return len(rows) * max(sum(lengths[n] for n in row) for row in rows)


@app.command()
def logits(pair: Pair = "small", rounds: int = 3) -> None:
    """Step time and memory: logits where there are labels, and everywhere."""
    rows: list[Row] = []
    # First, as a process begins with the peak of the one that started it.
    peak = {family: {way: in_a_process(peak_of_a_step, pair, family, way) for way in WAYS} for family in FAMILIES}
    for family in FAMILIES:
        step = {way: training_step(pair, family, way) for way in WAYS}
        losses = {way: step[way]() for way in WAYS}  # of the same weights: the first step has not changed them yet
        seconds, peaks = interleaved(step, rounds), peak[family]
        for way in WAYS:
            rows.append({"pair": pair, "family": family, "logits": way, "loss": round(losses[way], 5)})
            rows[-1] |= {"seconds": round(statistics.median(seconds[way]), 3), "peak_megabytes": peaks[way]}
        rows[-1] |= {"times_the_seconds": round(times(seconds["everywhere"], seconds["at labels"]), 2)}
        rows[-1] |= {"times_the_memory": round(peaks["everywhere"] / peaks["at labels"], 2)}
        print(*rows[-2:], sep="\n", flush=True)
    write_results("vlm_logits", f"python -m benchmarks.vlm logits --pair {pair}", rows)


def loss_everywhere(model: VisionLanguageModel, batch: Batch, pixels: Tensor) -> Tensor:
    """The model's loss as the public implementation comes to it: logits of all steps first."""
    hidden = model.hidden(model.embed(batch.ids, model.features(pixels)), batch.starts, batch.positions)
    found = model.head(hidden).float()
    targets = batch.labels[:, 1:].flatten()
    losses = F.cross_entropy(found[:, :-1].flatten(0, 1), targets, ignore_index=UNSCORED, reduction="none")
    wanted = targets != UNSCORED
    of = batch.documents[:, 1:].flatten()[wanted]
    sums = torch.zeros(2, batch.samples, device=of.device)
    sums.index_add_(1, of, torch.stack([losses[wanted], torch.ones_like(losses[wanted])]))
    return (sums[0] / sums[1]).mean()


WAYS: dict[str, Callable[[VisionLanguageModel, Batch, Tensor], Tensor]] = {
    "at labels": lambda model, batch, pixels: model(batch, pixels).loss,
    "everywhere": loss_everywhere,
}


def training_step(pair: str, family: str, way: str) -> Callable[[], float]:
    """Forward, backward, clipping and AdamW over captions packed into one row; gives the loss."""
    model = make_model(pair, family).train()
    model.freeze("instruct")
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-5)
    caption = "A brown dog lies on the grass next to a red ball"
    sample = Sample(id="0", image="0", task="captioning", source="benchmark", caption=caption)
    layout = lay_out(sample, "task-agnostic", model.vocabulary, model.grid)
    batch = batch_of([layout] * LOGIT_SAMPLES, LOGIT_SAMPLES * MAX_LENGTH).to(DEVICE)
    pixels = torch.randn(LOGIT_SAMPLES, 3, 336, 336).to(DEVICE, trained[0].dtype)

    def step() -> float:
        loss = WAYS[way](model, batch, pixels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return float(loss.detach())

    return step


def peak_of_a_step(pair: str, family: str, way: str) -> int:
    """In a process of its own: the most megabytes that it ever held, weights and optimizer among them."""
    training_step(pair, family, way)()
    if DEVICE.type == "cuda":
        return torch.cuda.max_memory_allocated() // 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 2**10


def in_a_process(function: Callable[..., int], *arguments: str) -> int:
    """What a function gives in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as process:
        return process.apply(function, arguments)


@app.command()
def generation(pair: Pair = "small", rounds: int = 2) -> None:
    """Tokens a second: batched with a cache, and one at a time without."""
    rows: list[Row] = []
    for family in FAMILIES:
        for row in generation_of(pair, family, rounds):
            rows.append(row)
            print(row, flush=True)
    write_results("vlm_generation", f"python -m benchmarks.vlm generation --pair {pair}", rows)


def generation_of(pair: str, family: str, rounds: int) -> list[Row]:
    """One family's. What is said one at a time is said to another prompt each round."""
    model = make_model(pair, family).eval()
    prompts = [question(model, n % 8) for n in range(PROMPTS)]
    pixels = torch.randn(PROMPTS, 3, 336, 336).to(DEVICE, next(model.parameters()).dtype)
    said: dict[str, dict[int, list[int]]] = {"together": {}, "one": {}, "one, no cache": {}}

    def say(way: str) -> None:
        asked = [*range(PROMPTS)] if way == "together" else [len(said[way]) % PROMPTS]
        use_cache = not way.endswith("no cache")
        some = [prompts[n] for n in asked]
        found = generate(model, some, pixels[asked], max_new_tokens=NEW_TOKENS, use_cache=use_cache)
        assert all(len(text) == NEW_TOKENS for text in found), "these random weights end early: take another seed."
        said[way] |= zip(asked, found, strict=True)

    seconds = interleaved({way: partial(say, way) for way in said}, rounds)
    seconds["together"] = [taken / PROMPTS for taken in seconds["together"]]
    return [
        {
            "pair": pair,
            "family": family,
            "way": way,
            "prompts": PROMPTS if way == "together" else 1,
            "tokens_per_second": round(NEW_TOKENS / statistics.median(seconds[way]), 1),
            "together_is_faster": round(times(seconds[way], seconds["together"]), 1),
            "same_tokens": all(said["together"][n] == text for n, text in said[way].items()),
        }
        for way in said
    ]


@app.command()
def speed(
    pair: Pair = "small",
    rounds: int = 2,
    most: Annotated[int, typer.Option(help="Tokens of a batch; larger ones are left out. 0: what a CPU can do.")] = 0,
) -> None:
    """Prefill and decode of both families, over lengths and batches."""
    rows: list[Row] = []
    for row in speeds(pair, rounds, most):
        rows.append(row)
        print(row, flush=True)
    write_results("vlm_speed", f"python -m benchmarks.vlm speed --pair {pair}{f' --most {most}' if most else ''}", rows)
    draw_speeds(rows, RESULTS, f"vlm_speed{'-cuda' if DEVICE.type == 'cuda' else ''}", f"{pair} on {DEVICE.type}")


@app.command("all")
def everything(pair: Pair = "small") -> None:
    """All parts."""
    packing()
    logits(pair)
    generation(pair)
    speed(pair)


if __name__ == "__main__":
    app()
