"""The task: pure, balanced, disjoint, and the same as a second implementation that shares no line with it."""

import hashlib
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.task import FREE_IDS, RetrievalTask
from training.config import ConfigError

SPLITS = ("train", "held-out")
orders = st.sampled_from(["suffix", "prefix"])
splits = st.sampled_from(SPLITS)
lengths = st.integers(4, 40)
seeds = st.integers(0, 2**40)

MASK = 2**64 - 1


def mix(x: int) -> int:
    """splitmix64's finaliser on Python's unbounded integers."""
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def signed(x: int) -> int:
    return x - 2**64 if x >= 2**63 else x


def second_implementation(length, order, pool, seed, split, index):
    """One example with plain integers and NumPy, written from the docstrings of probe/task.py."""

    def key(purpose, side):
        text = f"retrieval/{length}/{pool}/{seed}/{side}/{purpose}"
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")

    def stream(purpose, counter, lanes):
        start = mix((counter * 0x9E3779B97F4A7C15 + key(purpose, split)) & MASK)
        return np.array([signed(mix((start + k * 0x9E3779B97F4A7C15) & MASK)) for k in range(1, lanes + 1)])

    order_of_block = np.argsort(np.argsort(stream("positions", index // length, length), kind="stable"))
    position = int(order_of_block[index % length])
    context = [int(token) for token in np.argsort(stream("contexts", index, pool), kind="stable")[:length]]

    pairs = sorted([sorted(context[0:2]), sorted(context[2:4])])
    canonical = [*pairs[0], *pairs[1], *context[4:]]
    hashed = mix(sum(mix((t + p * pool + key("split", "")) & MASK) for p, t in enumerate(canonical)) & MASK)
    swaps = (context[0] > context[1]) + (context[2] > context[3]) + (min(context[:2]) > min(context[2:4]))
    if (swaps + hashed) % 2 != (split == "held-out"):
        context[0], context[1] = context[1], context[0]

    base = length + 2
    tokens = [base + token for token in context]
    question = [base + pool, tokens[position]]
    return (tokens + question if order == "suffix" else question + tokens), position + 2, position


@settings(max_examples=60, deadline=None)
@given(lengths, orders, splits, seeds, st.integers(0, 30), st.integers(0, 2**40))
def test_examples_equal_those_of_a_second_implementation(length, order, split, seed, more, index):
    pool = length + more
    batch = RetrievalTask(length, order, pool=pool, seed=seed).examples(split, torch.tensor([index]))
    tokens, answer, position = second_implementation(length, order, pool, seed, split, index)
    assert batch.tokens[0].tolist() == tokens
    assert (batch.answers.item(), batch.positions.item()) == (answer, position)


@settings(max_examples=40, deadline=None)
@given(lengths, orders, splits, seeds, st.lists(st.integers(0, 10**9), min_size=1, max_size=30))
def test_an_example_depends_on_its_number_alone_and_not_on_its_batch(length, order, split, seed, indices):
    task = RetrievalTask(length, order, seed=seed)
    together = task.examples(split, torch.tensor(indices))
    for row, index in enumerate(indices):
        alone = task.examples(split, torch.tensor([index]))
        assert torch.equal(alone.tokens[0], together.tokens[row])
        assert alone.positions.item() == together.positions[row].item()


@settings(max_examples=40, deadline=None)
@given(lengths, orders, splits, seeds)
def test_the_answer_stands_for_where_the_query_stood(length, order, split, seed):
    task = RetrievalTask(length, order, seed=seed)
    tokens, answers, positions = task.examples(split, torch.arange(3 * length))
    assert tokens.shape == (3 * length, length + 2) and tokens.dtype == torch.int64
    context, out, query = (
        (tokens[:, :-2], tokens[:, -2], tokens[:, -1])
        if order == "suffix"
        else (tokens[:, 2:], tokens[:, 0], tokens[:, 1])
    )
    assert (out == task.out_token).all()
    assert torch.equal(context.gather(1, positions[:, None])[:, 0], query)
    assert torch.equal(answers, positions + FREE_IDS)
    everything = torch.arange(task.first_special, task.out_token).expand_as(context)
    assert torch.equal(context.sort(dim=1).values, everything), "a context is a permutation of the pool"


@settings(max_examples=40, deadline=None)
@given(lengths, splits, seeds, st.integers(0, 10**6))
def test_every_aligned_block_asks_for_each_position_once(length, split, seed, block):
    task = RetrievalTask(length, "suffix", seed=seed)
    positions = task.examples(split, torch.arange(block * length, (block + 1) * length)).positions
    assert positions.sort().values.tolist() == list(range(length))


def test_blocks_ask_in_orders_of_their_own():
    positions = RetrievalTask(16, "suffix").examples("train", torch.arange(16 * 200)).positions.view(200, 16)
    assert len({tuple(row) for row in positions.tolist()}) == 200
    # Each offset of a block asks for each position about equally often: 12.5 times of 200, 5 standard deviations off.
    counts = torch.stack([torch.bincount(positions[:, offset], minlength=16) for offset in range(16)])
    assert (counts - 12.5).abs().max() < 5 * 12.5**0.5


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**40), st.integers(4, 6), st.integers(0, 3))
def test_splits_never_share_a_context_and_each_has_half_of_all(seed, length, more):
    task = RetrievalTask(length, "suffix", pool=length + more, seed=seed)
    everything = torch.tensor(list(itertools.permutations(range(length + more), length)))
    sides = {split: {tuple(row) for row in task._send_to_split(split, everything).tolist()} for split in SPLITS}
    assert not sides["train"] & sides["held-out"]
    assert len(sides["train"]) == len(sides["held-out"]) == len(everything) // 2


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**40), orders)
def test_at_length_4_neither_split_has_a_structure_that_the_other_lacks(seed, order):
    task = RetrievalTask(4, order, seed=seed)
    where = slice(0, 4) if order == "suffix" else slice(2, 6)
    for split in SPLITS:
        drawn = task.examples(split, torch.arange(600)).tokens[:, where] - task.first_special
        contexts = {tuple(row) for row in drawn.tolist()}
        assert len(contexts) == 12, "all of the split's contexts come up"
        for place, token in itertools.product(range(4), range(4)):
            assert sum(context[place] == token for context in contexts) == 3
        inversions = [sum(a > b for a, b in itertools.combinations(context, 2)) for context in contexts]
        assert sum(count % 2 for count in inversions) == 6, "parity would be a rule"


def test_contexts_are_uniform_over_their_split():
    tokens = RetrievalTask(4, "suffix", seed=5).examples("train", torch.arange(12_000)).tokens[:, :4]
    _, counts = tokens.unique(dim=0, return_counts=True)
    assert len(counts) == 12
    assert (counts - 1000).abs().max() < 5 * 1000**0.5


def test_orders_ask_the_same_questions_of_the_same_contexts():
    suffix = RetrievalTask(9, "suffix").examples("held-out", torch.arange(50))
    prefix = RetrievalTask(9, "prefix").examples("held-out", torch.arange(50))
    assert torch.equal(suffix.tokens[:, :9], prefix.tokens[:, 2:])
    assert torch.equal(suffix.positions, prefix.positions)


def test_a_vocabulary_moves_the_special_tokens_and_nothing_else():
    scratch, pretrained = RetrievalTask(9, "suffix"), RetrievalTask(9, "suffix", base_vocabulary=50_280)
    a, b = scratch.examples("train", torch.arange(20)), pretrained.examples("train", torch.arange(20))
    assert torch.equal(a.tokens - scratch.first_special, b.tokens - 50_280)
    assert torch.equal(a.answers, b.answers)


@pytest.mark.parametrize("length", [4, 10_000])
def test_the_shortest_and_the_longest_context_work(length):
    batch = RetrievalTask(length, "prefix").examples("train", torch.tensor([0, 1, 10**12]))
    assert batch.tokens.shape == (3, length + 2)
    assert all(len(set(row.tolist())) == length for row in batch.tokens[:, 2:])


@pytest.mark.parametrize(
    ("settings_", "said"),
    [
        ({"length": 3}, "length must lie between 4 and 10,000"),
        ({"length": 10_001}, "length must lie between"),
        ({"order": "infix"}, "order must be one of suffix, prefix"),
        ({"length": 20, "pool": 19}, "cannot give 20 distinct ones"),
        ({"pool": 10**6}, "choose a pool from"),
        ({"length": 20, "base_vocabulary": 21}, "choose a length of at most 19"),
    ],
)
def test_impossible_tasks_are_refused_in_a_sentence(settings_, said):
    with pytest.raises(ConfigError, match=said):
        RetrievalTask(**{"length": 8, "order": "suffix", **settings_})


def test_an_unknown_split_is_refused():
    with pytest.raises(ConfigError, match="split must be one of train, validation, held-out"):
        RetrievalTask(8, "suffix").examples("test", torch.arange(2))


@pytest.mark.gpu
@pytest.mark.parametrize("length", [4, 50, 200, 10_000])
def test_a_gpu_makes_the_same_bits(length):
    task, indices = RetrievalTask(length, "suffix"), torch.arange(64) * 7919
    for split in SPLITS:
        here, there = task.examples(split, indices), task.examples(split, indices, "cuda")
        assert all(torch.equal(a, b.cpu()) for a, b in zip(here, there, strict=True))
