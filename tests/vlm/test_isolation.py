"""Packed samples do not touch each other: in no logit, no gradient and no loss, in neither family.

Where an expectation is computed, it is by the language model of transformers itself, with one sample at a time.
"""

import dataclasses

import pytest
import torch
import torch.nn.functional as F
from small_vlm import KINDS, SAMPLES, layouts, pictures, small_model

from vlm.packing import batch_of
from vlm.prompt import PATCH, UNSCORED

TASKS = ("vqa", "captioning", "visual_grounding", "multiple_choice_vqa", "image_text_match", "chat")
CAPACITY = 200
"""Two rows of three samples, the shorter one with padding."""
CLOSE = {"rtol": 0, "atol": 1e-5}


@pytest.fixture(params=KINDS)
def model(request):
    return small_model(request.param)


@pytest.fixture
def read(model, monkeypatch):
    """Reads samples packed: the embeddings, with their gradients, logits everywhere, and the losses."""
    embed, hidden = model.embed, model.hidden
    seen = {}

    def embedding(*arguments):
        seen["embeddings"] = embed(*arguments)
        seen["embeddings"].retain_grad()
        return seen["embeddings"]

    def reading(*arguments):
        seen["hidden"] = hidden(*arguments)
        return seen["hidden"]

    monkeypatch.setattr(model, "embed", embedding)
    monkeypatch.setattr(model, "hidden", reading)

    def run(some, pixels, capacity=CAPACITY, of=None):
        batch = batch_of(some, capacity)
        losses = model(batch, pixels=pixels[list(batch.images)])
        model.zero_grad()
        (losses.loss if of is None else losses.of_samples[of]).backward()
        return batch, seen["embeddings"].grad, model.head(seen["hidden"]).detach(), losses

    return run


def with_other_words(layout, seed):
    """The same places of the picture and of the targets, all else another text of the same length."""
    generator = torch.Generator().manual_seed(seed)
    words = torch.randint(1, 800, (len(layout.ids),), generator=generator).tolist()
    ids = tuple(PATCH if old == PATCH else new for old, new in zip(layout.ids, words, strict=True))
    labels = tuple(UNSCORED if old == UNSCORED else new for old, new in zip(layout.labels, words, strict=True))
    return dataclasses.replace(layout, ids=ids, labels=labels)


def alone(model, layout, pixels, padding=0):
    """The mean cross entropy of a sample in a batch of one, padded on the right, as transformers computes it."""
    ids = torch.tensor([[*layout.ids, *[0] * padding]])
    labels = torch.tensor([[*layout.labels, *[UNSCORED] * padding]])
    mask = torch.tensor([[1] * len(layout.ids) + [0] * padding])
    embeddings = model.embed(ids, model.features(pixels))
    logits = model.language_model(inputs_embeds=embeddings, attention_mask=mask, use_cache=False).logits
    return F.cross_entropy(logits[0, :-1], labels[0, 1:], ignore_index=UNSCORED)


def gradients(model):
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("mine", range(len(TASKS)))
def test_no_other_sample_changes_a_samples_logits_or_gradients(model, read, mine):
    some, pixels = layouts(model, TASKS), pictures(len(TASKS))
    others = [layout if n == mine else with_other_words(layout, n) for n, layout in enumerate(some)]
    other_pixels = pictures(len(TASKS), seed=1)
    other_pixels[mine] = pixels[mine]
    batch, gradient, logits, losses = read(some, pixels)
    _, other_gradient, other_logits, other_losses = read(others, other_pixels)
    place = batch.documents == mine
    assert not torch.equal(gradient[~place], other_gradient[~place]), "the others have changed"
    for ours, theirs in (
        (logits[place], other_logits[place]),
        (gradient[place], other_gradient[place]),
        (losses.of_samples[mine], other_losses.of_samples[mine]),
    ):
        assert ours.abs().max() > 0
        if model.family == "mamba":
            assert torch.equal(ours, theirs)
        torch.testing.assert_close(ours, theirs, **CLOSE)


@pytest.mark.parametrize("mine", [0, 3, 5])
def test_the_loss_of_a_sample_has_no_gradient_in_any_other(model, read, mine):
    batch, gradient, _, _ = read(layouts(model, TASKS), pictures(len(TASKS)), of=mine)
    place = batch.documents == mine
    assert gradient[place].abs().max() > 0
    assert gradient[~place].abs().max() == 0


def test_samples_that_are_not_told_apart_do_change_each_other(model):
    """What the tests above would see if nothing kept the samples apart."""
    some, pixels = layouts(model, TASKS), pictures(len(TASKS))
    batch = batch_of(some, CAPACITY)
    last = batch.documents[0].max()
    images = list(batch.images)

    def logits(samples):
        packed = batch_of(samples, CAPACITY)
        embeddings = model.embed(packed.ids, model.features(pixels[images]))
        return model.language_model(inputs_embeds=embeddings, use_cache=False).logits[0, packed.documents[0] == last]

    others = [layout if n == last else with_other_words(layout, n) for n, layout in enumerate(some)]
    assert (logits(some) - logits(others)).abs().max() > 1e-3


@pytest.mark.parametrize("checkpointing", [False, True], ids=["plain", "activations computed again"])
@pytest.mark.parametrize("capacity", [1, CAPACITY, 1000], ids=["a row each", "two rows", "one row"])
def test_packed_losses_and_gradients_are_those_of_samples_one_by_one(model, capacity, checkpointing):
    some, pixels = layouts(model, TASKS), pictures(len(TASKS))
    expected = torch.stack([alone(model, layout, pixels[n : n + 1], padding=n) for n, layout in enumerate(some)])
    expected.mean().backward()
    expected_gradients = gradients(model)
    model.zero_grad(set_to_none=True)

    model.train()
    if checkpointing:
        model.checkpoint_activations()
    batch = batch_of(some, capacity)
    losses = model(batch, pixels=pixels[list(batch.images)])
    losses.loss.backward()  # outside of the packed context

    torch.testing.assert_close(losses.of_samples, expected, **CLOSE)
    torch.testing.assert_close(losses.loss, expected.mean(), **CLOSE)
    found = gradients(model)
    assert found.keys() == expected_gradients.keys()
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, expected_gradients[name], **CLOSE, msg=name)


def test_activations_are_computed_again(model, monkeypatch):
    """The test above is of something: with checkpointing, layers run twice."""
    counts = []
    layer = next(m for m in model.language_model.modules() if type(m).__name__ in ("MambaMixer", "GPTNeoXAttention"))
    layer.register_forward_pre_hook(lambda *_: counts.append(1))
    model.train().checkpoint_activations()
    batch = batch_of(layouts(model, TASKS[:2]), CAPACITY)
    loss = model(batch, pixels=pictures(2)).loss
    before = len(counts)
    loss.backward()
    assert (before, len(counts)) == (1, 2)


def test_there_is_a_row_with_padding_and_samples_of_many_lengths(model):
    """What the tests above are about."""
    batch = batch_of(layouts(model, TASKS), CAPACITY)
    assert len(batch.ids) >= 2
    assert batch.useful < 1
    assert len({len(layout.ids) for layout in layouts(model, TASKS)}) == len(TASKS)
    assert set(SAMPLES) >= set(TASKS)
