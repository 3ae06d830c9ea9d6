"""Attention over packed documents."""

import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from backbones.attention import attention, similar_documents
from backbones.scan import packed

LENGTH = 40


@st.composite
def resets(draw):
    """Where documents start in up to three sequences of one length."""
    return torch.tensor(
        draw(st.lists(st.lists(st.booleans(), min_size=LENGTH, max_size=LENGTH), min_size=1, max_size=3))
    )


@given(resets())
def test_every_step_stands_in_one_group_with_documents_of_similar_length(reset):
    groups = similar_documents(reset)
    places = torch.cat([group.flatten() for group in groups])
    assert torch.equal(places[places < reset.numel()].sort().values, torch.arange(reset.numel()))
    for group in groups:
        sizes = (group < reset.numel()).sum(1)
        assert sizes.max() <= 1.2 * sizes.min()


@settings(max_examples=20)
@given(resets())
def test_packed_documents_give_the_values_and_gradients_that_they_give_alone(reset):
    generator = torch.Generator().manual_seed(0)
    batch, (heads, width) = len(reset), (2, 8)
    inputs = [torch.randn(batch, heads, LENGTH, width, generator=generator, requires_grad=True) for _ in range(3)]
    flow = torch.randn(batch, LENGTH, heads, width, generator=generator)
    with packed(reset):
        found, _ = attention(torch.nn.Identity(), *inputs, None)
    gradients = torch.autograd.grad(found, inputs, flow)
    for row in range(batch):
        starts = sorted({0, *reset[row].nonzero().flatten().tolist()})
        for start, end in zip(starts, [*starts[1:], LENGTH], strict=True):
            alone = [x[row : row + 1, :, start:end].detach().requires_grad_() for x in inputs]
            expected = F.scaled_dot_product_attention(*alone, is_causal=True).transpose(1, 2)
            torch.testing.assert_close(found[row, start:end], expected[0], atol=1e-5, rtol=1e-5)
            wanted = torch.autograd.grad(expected[0], alone, flow[row, start:end])
            for mine, theirs in zip(gradients, wanted, strict=True):
                torch.testing.assert_close(mine[row, :, start:end], theirs[0], atol=1e-5, rtol=1e-5)
