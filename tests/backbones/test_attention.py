"""Attention over packed documents is attention over each of them alone."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, LlamaConfig, LlamaForCausalLM

from backbones.attention import keep_documents_apart, whole
from backbones.scan import packed

SIZES = {"vocab_size": 40, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
MAKERS = {
    "pythia": lambda: GPTNeoXForCausalLM(GPTNeoXConfig(**SIZES)),
    "llama with grouped heads": lambda: LlamaForCausalLM(LlamaConfig(**SIZES, num_key_value_heads=2)),
}
MODELS = {}


@pytest.fixture(params=MAKERS)
def model(request):
    return made(request.param)


def made(name):
    """The model of this name, made once."""
    if name not in MODELS:
        torch.manual_seed(0)
        MODELS[name] = MAKERS[name]().eval()
        keep_documents_apart(MODELS[name])
    return MODELS[name]


@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=20, deadline=None)
@given(rows=st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=5), min_size=1, max_size=3))
def test_packed_documents_have_the_logits_of_each_alone(name, rows):
    model = made(name)
    length = max(map(sum, rows))
    ids = torch.randint(0, 40, (len(rows), length), generator=torch.Generator().manual_seed(0))
    reset, positions = torch.zeros(ids.shape, dtype=torch.bool), torch.zeros_like(ids)
    documents = []
    for row, sizes in enumerate(rows):
        sizes = [*sizes, length - sum(sizes)] if sum(sizes) < length else sizes
        start = 0
        for size in sizes:
            documents.append((row, slice(start, start + size)))
            reset[row, start] = True
            positions[row, start : start + size] = torch.arange(size)
            start += size
    with torch.no_grad():
        with packed(reset):
            found = model(ids, position_ids=positions, attention_mask=whole(ids.device), use_cache=False).logits
        for row, place in documents:
            alone = model(ids[row : row + 1, place], use_cache=False).logits[0]
            torch.testing.assert_close(found[row, place], alone, rtol=0, atol=1e-5)


def test_outside_of_packed_it_is_the_attention_of_transformers(model):
    ids = torch.randint(0, 40, (3, 11), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    mask[0, :4] = 0
    ours = model(ids, attention_mask=mask).logits
    model.set_attn_implementation("sdpa")
    try:
        theirs = model(ids, attention_mask=mask).logits
    finally:
        keep_documents_apart(model)
    assert torch.equal(ours, theirs)


def test_gradients_stay_within_a_document(model):
    embeddings = torch.randn(1, 10, 32, generator=torch.Generator().manual_seed(0)).requires_grad_()
    reset = torch.zeros(1, 10, dtype=torch.bool)
    reset[0, [0, 4, 7]] = True
    positions = torch.tensor([[0, 1, 2, 3, 0, 1, 2, 0, 1, 2]])
    with packed(reset):
        told = {"position_ids": positions, "attention_mask": whole(embeddings.device), "use_cache": False}
        model(inputs_embeds=embeddings, **told).logits[0, 4:7].sum().backward()
    assert (embeddings.grad[0, 4:7] != 0).any(-1).all()
    assert embeddings.grad[0, :4].abs().max() == embeddings.grad[0, 7:].abs().max() == 0
