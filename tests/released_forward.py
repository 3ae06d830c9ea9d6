"""What a released checkpoint says about an image and a text: a second forward pass, in float32 and plain torch.

Written from `reference-facts.md`, sections 1 (model) and 2 (token sequence), to be a witness of its own: it works on
the tensors by their released names, builds no module and uses nothing of this repository's packages. Rotary positions
of EVA-02 are timm's (`RotaryEmbeddingCat`), which is their reference.

    pixels  B x 3 x S x S      normalised, one image a sequence
    ids     B x T              with -200 at the places of patches
    logits  B x T x rows
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch
from released_shapes import ENCODER_SIZES, KERNEL, STATES
from torch import Tensor
from torch.nn import functional as F

PLACEHOLDER, DELIMITER, SEPARATOR = -200, 4118, 10494
EVA_EPSILON, EPSILON = 1e-6, 1e-5
REFERENCE_GRID = 16

Weights = Mapping[str, Tensor]


def image_ids(rows: int, columns: int) -> list[int]:
    """The block of an image of rows x columns patches (2.2): 1 + rows x (columns + 1) ids."""
    block = [DELIMITER]
    for row in range(rows):
        block += [PLACEHOLDER] * columns + [SEPARATOR if row < rows - 1 else DELIMITER]
    return block


def prompt_ids(turns: Sequence[Sequence[int]], rows: int, columns: int, order: str = "task-agnostic") -> Tensor:
    """1 x T ids of an image and the turns' own ids (2.3): the image first, or after the first turn in `task-aware`."""
    first = {"task-agnostic": 0, "task-aware": 1}[order]
    parts = [*turns[:first], image_ids(rows, columns), *turns[first:]]
    return torch.tensor([[token for part in parts for token in part]])


def logits(weights: Weights, config: Mapping[str, object], ids: Tensor, pixels: Tensor | None = None) -> Tensor:
    """B x T x rows, float32: the whole model on right-padded or equally long sequences.

    Args:
        weights: by their released names, of any dtype.
        config: what config.json says; of Mamba only the vision fields are read.
        ids: B x T, -200 where a patch goes, in raster order.
        pixels: B x 3 x S x S; None for sequences without an image.
    """
    held = {key: tensor.float() for key, tensor in weights.items()}
    is_mamba = "backbone.embedding.weight" in held
    table = held["backbone.embedding.weight" if is_mamba else "gpt_neox.embed_in.weight"]
    embedded = F.embedding(ids.clamp(min=0), table)
    if pixels is not None:
        places = ids == PLACEHOLDER
        embedded[places] = connected(held, features(held, config, pixels)).flatten(0, 1)
    if is_mamba:
        return mamba(held, embedded) @ held.get("lm_head.weight", table).T
    return pythia(held, config, embedded) @ held["embed_out.weight"].T


def features(weights: Weights, config: Mapping[str, object], pixels: Tensor) -> Tensor:
    """B x patches x width, without the class token: EVA-02's last normalised layer, or CLIP's `select_layer` (1.2)."""
    part = _under(weights, "vision_encoder")
    pixels = pixels.float()
    if "cls_token" in part:
        return eva(part, pixels, _eva_heads(config))
    size = json.loads((Path(str(config["vision_encoder_name"])) / "config.json").read_text())
    layer = config["select_layer"]
    assert isinstance(layer, int)
    return clip(_under(part, "vision_model"), pixels, size["num_attention_heads"])[layer][:, 1:]


def connected(weights: Weights, patches: Tensor) -> Tensor:
    """B x patches x d: the connector, two linear maps with an exact GELU between them (1.5)."""
    part = _under(weights, "vision_embed_tokens")
    return _linear(part, "2", F.gelu(_linear(part, "0", patches)))


def eva(part: Weights, pixels: Tensor, heads: int) -> Tensor:
    """B x patches x width: EVA-02 from its own keys (1.2), final norm included and class token dropped."""
    x = F.conv2d(pixels, part["patch_embed.proj.weight"], part["patch_embed.proj.bias"], stride=_patch(part))
    rows, columns = x.shape[-2:]
    x = torch.cat([part["cls_token"].expand(len(x), -1, -1), x.flatten(2).mT], 1) + part["pos_embed"]
    angles = eva_angles(rows, columns, x.shape[-1] // heads)
    for block in _numbered(part, "blocks"):
        normed = _norm(block, "norm1", x, EVA_EPSILON)
        q, k, v = (_heads(_linear(block, f"attn.{name}_proj", normed), heads) for name in "qkv")
        q, k = (torch.cat([t[:, :, :1], _rotate_pairs(t[:, :, 1:], angles)], 2) for t in (q, k))
        attended = _norm(block, "attn.norm", _attention(q, k, v), EVA_EPSILON)
        x = x + _linear(block, "attn.proj", attended)
        normed = _norm(block, "norm2", x, EVA_EPSILON)
        gated = F.silu(_linear(block, "mlp.fc1_g", normed)) * _linear(block, "mlp.fc1_x", normed)
        x = x + _linear(block, "mlp.fc2", _norm(block, "mlp.norm", gated, EVA_EPSILON))
    return _norm(part, "norm", x, EVA_EPSILON)[:, 1:]


def eva_angles(rows: int, columns: int, width: int) -> Tensor:
    """Patches x width / 2: a patch's row turns the first half of the pairs of a head, its column the second.

    Both are told on a grid of 16 x 16, however many patches there are.
    """
    bands = 10000.0 ** (-torch.arange(width // 4) / (width // 4))
    down = torch.arange(rows) * (REFERENCE_GRID / rows)
    right = torch.arange(columns) * (REFERENCE_GRID / columns)
    of_rows = (down[:, None] * bands)[:, None].expand(-1, columns, -1)
    of_columns = (right[:, None] * bands)[None].expand(rows, -1, -1)
    return torch.cat([of_rows, of_columns], -1).flatten(0, 1)


def clip(part: Weights, pixels: Tensor, heads: int) -> list[Tensor]:
    """All hidden states of CLIP's vision model, each B x (1 + patches) x width: its input, and after every layer."""
    patches = F.conv2d(pixels, part["embeddings.patch_embedding.weight"], stride=_patch(part)).flatten(2).mT
    first = part["embeddings.class_embedding"].expand(len(pixels), 1, -1)
    x = torch.cat([first, patches], 1) + part["embeddings.position_embedding.weight"]
    states = [_norm(part, "pre_layrnorm", x)]
    for layer in _numbered(part, "encoder.layers"):
        x = states[-1]
        normed = _norm(layer, "layer_norm1", x)
        q, k, v = (_heads(_linear(layer, f"self_attn.{name}_proj", normed), heads) for name in "qkv")
        x = x + _linear(layer, "self_attn.out_proj", _attention(q, k, v))
        inner = _linear(layer, "mlp.fc1", _norm(layer, "layer_norm2", x))
        states.append(x + _linear(layer, "mlp.fc2", inner * torch.sigmoid(1.702 * inner)))
    return states


def mamba(weights: Weights, x: Tensor) -> Tensor:
    """B x T x d after the final norm: LayerNorm where norms have biases, RMSNorm where they have none (1.7)."""
    part = _under(weights, "backbone")
    for layer in _numbered(part, "layers"):
        x = x + _mixer(_under(layer, "mixer"), _norm(layer, "norm", x))
    return _norm(part, "norm_f", x)


def _mixer(part: Weights, x: Tensor) -> Tensor:
    inner, gate = _linear(part, "in_proj", x).chunk(2, -1)
    convolved = F.conv1d(
        F.pad(inner.mT, (KERNEL - 1, 0)), part["conv1d.weight"], part["conv1d.bias"], groups=inner.shape[-1]
    )
    u = F.silu(convolved).mT
    rank = part["dt_proj.weight"].shape[1]
    step, into, out_of = _linear(part, "x_proj", u).split([rank, STATES, STATES], -1)
    step = F.softplus(_linear(part, "dt_proj", step))
    decay = -part["A_log"].exp()
    state = torch.zeros(len(x), u.shape[-1], STATES)
    read = []
    for t in range(x.shape[1]):
        state = (step[:, t, :, None] * decay).exp() * state
        state = state + (step[:, t] * u[:, t])[..., None] * into[:, t, None]
        read.append((state * out_of[:, t, None]).sum(-1))
    return _linear(part, "out_proj", (torch.stack(read, 1) + part["D"] * u) * F.silu(gate))


def pythia(weights: Weights, config: Mapping[str, object], x: Tensor) -> Tensor:
    """B x T x d after the final norm: GPT-NeoX with the heads and the share of rotary places that config.json names."""
    heads, share = config["num_attention_heads"], config["rotary_pct"]
    assert isinstance(heads, int)
    assert isinstance(share, float)
    part = _under(weights, "gpt_neox")
    rotary = int(x.shape[-1] // heads * share)
    bands = 10000.0 ** (-torch.arange(0, rotary, 2) / rotary)
    angles = torch.arange(x.shape[1])[:, None] * bands
    for layer in _numbered(part, "layers"):
        fused = _linear(layer, "attention.query_key_value", _norm(layer, "input_layernorm", x))
        q, k, v = _heads(fused, heads).chunk(3, -1)
        q, k = (torch.cat([_rotate_halves(t[..., :rotary], angles), t[..., rotary:]], -1) for t in (q, k))
        attended = _linear(layer, "attention.dense", _attention(q, k, v, causal=True))
        inner = F.gelu(_linear(layer, "mlp.dense_h_to_4h", _norm(layer, "post_attention_layernorm", x)))
        x = x + attended + _linear(layer, "mlp.dense_4h_to_h", inner)
    return _norm(part, "final_layer_norm", x)


def _under(weights: Weights, prefix: str) -> dict[str, Tensor]:
    """Weights whose names start so, by the rest of their names."""
    return {key[len(prefix) + 1 :]: tensor for key, tensor in weights.items() if key.startswith(f"{prefix}.")}


def _numbered(weights: Weights, prefix: str) -> Iterable[dict[str, Tensor]]:
    """One layer after the other."""
    part = _under(weights, prefix)
    for index in range(1 + max(int(key.split(".")[0]) for key in part)):
        yield _under(part, str(index))


def _linear(part: Weights, name: str, x: Tensor) -> Tensor:
    return F.linear(x, part[f"{name}.weight"], part.get(f"{name}.bias"))


def _norm(part: Weights, name: str, x: Tensor, epsilon: float = EPSILON) -> Tensor:
    weight, bias = part[f"{name}.weight"], part.get(f"{name}.bias")
    if bias is None:
        return F.rms_norm(x, weight.shape, weight, epsilon)
    return F.layer_norm(x, weight.shape, weight, bias, epsilon)


def _heads(x: Tensor, heads: int) -> Tensor:
    """B x T x (heads x n) as B x heads x T x n."""
    return x.reshape(*x.shape[:-1], heads, -1).transpose(1, 2)


def _attention(q: Tensor, k: Tensor, v: Tensor, causal: bool = False) -> Tensor:
    """B x T x (heads x n)."""
    scores = q @ k.mT / q.shape[-1] ** 0.5
    if causal:
        scores = scores.masked_fill(torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1), float("-inf"))
    attended: Tensor = scores.softmax(-1) @ v
    return attended.transpose(1, 2).flatten(2)


def _rotate_pairs(x: Tensor, angles: Tensor) -> Tensor:
    """Turns places 2i and 2i + 1 of a head by angle i: EVA's way."""
    even, odd = x[..., 0::2], x[..., 1::2]
    turned = (even * angles.cos() - odd * angles.sin(), odd * angles.cos() + even * angles.sin())
    return torch.stack(turned, -1).flatten(-2)


def _rotate_halves(x: Tensor, angles: Tensor) -> Tensor:
    """Turns place i of the first half of a head with place i of the second by angle i: GPT-NeoX's way."""
    first, second = x.chunk(2, -1)
    return torch.cat([first * angles.cos() - second * angles.sin(), second * angles.cos() + first * angles.sin()], -1)


def _patch(part: Weights) -> int:
    """Pixels a side of a patch."""
    name = "patch_embed.proj.weight" if "patch_embed.proj.weight" in part else "embeddings.patch_embedding.weight"
    return part[name].shape[-1]


def _eva_heads(config: Mapping[str, object]) -> int:
    """Of the encoder that config.json names: neither its keys nor the file tell them."""
    return next(size.heads for size in ENCODER_SIZES.values() if size.name == config["vision_encoder_name"])
