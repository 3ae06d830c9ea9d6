"""What is written one tensor at a time is what safetensors itself reads back, in one file or in many."""

import functools
import tempfile
import weakref
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from training.config import ConfigError
from vlm.released.files import FLOATING, Weight, read_weights
from vlm.released.shards import write_weights

shapes = st.lists(st.integers(0, 5), max_size=3).map(tuple)
tensors = st.builds(
    lambda shape, dtype, seed: torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype),
    shapes,
    st.sampled_from(sorted(FLOATING, key=str)),
    st.integers(0, 9),
)


def weight(tensor, read=None):
    return Weight(where="x in y", shape=tuple(tensor.shape), dtype=tensor.dtype, read=read or (lambda: tensor))


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(st.text(min_size=1, max_size=8).filter(str.isprintable), tensors, min_size=1), st.integers(1, 99)
)
def test_weights_come_back_whatever_their_names_types_and_shapes(held, largest):
    with tempfile.TemporaryDirectory() as folder:
        write_weights(Path(folder), {name: weight(tensor) for name, tensor in held.items()}, largest=largest)
        read = read_weights(Path(folder))
        assert read.keys() == held.keys()
        for name, tensor in held.items():
            assert (read[name].shape, read[name].dtype) == (tuple(tensor.shape), tensor.dtype)
            assert torch.equal(read[name].read(), tensor)
        library = {}
        for path in Path(folder).glob("*.safetensors"):
            library |= load_file(path)
            assert int.from_bytes(path.read_bytes()[:8], "little") % 8 == 0
        assert all(torch.equal(library[name], tensor) for name, tensor in held.items())


def test_a_file_holds_no_more_than_it_may(tmp_path):
    held = {str(n): weight(torch.ones(10)) for n in range(10)}
    write_weights(tmp_path, held, largest=120)
    sizes = [sum(t.nbytes for t in load_file(path).values()) for path in tmp_path.glob("*.safetensors")]
    assert sorted(sizes) == [40, 120, 120, 120]


def test_a_tensor_that_lies_otherwise_in_memory_is_written_in_order(tmp_path):
    tensor = torch.arange(12.0).view(3, 4).T
    write_weights(tmp_path, {"a": weight(tensor)})
    assert torch.equal(load_file(tmp_path / "model.safetensors")["a"], tensor)


def test_one_tensor_is_in_memory_at_a_time(tmp_path):
    """Each is let go before the next one is read."""
    alive = []

    def read(size):
        assert not [one for one in alive if one() is not None]
        tensor = torch.ones(size)
        alive.append(weakref.ref(tensor))
        return tensor

    held = {str(n): weight(torch.ones(n), functools.partial(read, n)) for n in range(1, 5)}
    write_weights(tmp_path, held)
    assert len(alive) == 4


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_a_number_that_is_none_is_refused(tmp_path, value):
    with pytest.raises(ConfigError, match="x in y is nan or infinite"):
        write_weights(tmp_path, {"a": weight(torch.tensor([1.0, value]))})


def test_a_file_that_changes_under_the_hands_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="x in y changed while it was read"):
        write_weights(tmp_path, {"a": weight(torch.ones(2), lambda: torch.ones(3))})
