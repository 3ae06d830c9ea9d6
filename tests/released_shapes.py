"""Keys, shapes and sizes of the checkpoints that the public implementation of the paper left, tiny and as released.

From `reference-facts.md`, section 3 (keys, shapes), 1.2 and 1.6 (sizes) and 1.7 (Mamba's norms have biases), and from
nothing of this repository: what reads such checkpoints is under test. Four classes: Mamba-VL and Pythia-VL, each with
EVA-02 or CLIP. The tiny ones keep every structure and every row of the vocabulary; timm knows the tiny EVA-02 from the
moment this module is imported.
"""

import math
from dataclasses import dataclass

from timm.models import register_model
from timm.models._registry import generate_default_cfgs
from timm.models.eva import Eva, _cfg, _create_eva

FAMILIES = ("mamba", "pythia")
ENCODERS = ("eva", "clip")
STATES, KERNEL = 16, 4

Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class LanguageSize:
    """A language model: width, layers, rows of the embedding, and heads (None for Mamba)."""

    width: int
    layers: int
    rows: int
    heads: int | None = None


@dataclass(frozen=True, kw_only=True)
class EncoderSize:
    """A vision encoder of square images: the name in config.json, width, layers, heads, inner width, pixels a side."""

    name: str
    width: int
    layers: int
    heads: int
    inner: int
    image: int
    patch: int = 14

    @property
    def grid(self) -> int:
        """Patches a side."""
        return self.image // self.patch


LANGUAGE_SIZES = {
    ("mamba", "tiny"): LanguageSize(width=36, layers=3, rows=50280),
    ("mamba", "790m"): LanguageSize(width=1536, layers=48, rows=50280),
    ("mamba", "1.4b"): LanguageSize(width=2048, layers=48, rows=50280),
    ("mamba", "2.8b"): LanguageSize(width=2560, layers=64, rows=50280),
    ("pythia", "tiny"): LanguageSize(width=32, layers=3, rows=50304, heads=2),
    ("pythia", "1b"): LanguageSize(width=2048, layers=16, rows=50304, heads=8),
    ("pythia", "1.4b"): LanguageSize(width=2048, layers=24, rows=50304, heads=16),
    ("pythia", "2.8b"): LanguageSize(width=2560, layers=32, rows=50304, heads=32),
}
"""By family and size (1.6)."""

RELEASED = tuple(pair for pair in LANGUAGE_SIZES if pair[1] != "tiny")
"""Family and size of the six released models, all with EVA-02."""

ENCODER_SIZES = {
    ("eva", "tiny"): EncoderSize(name="timm/eva02_tiny_test_clip_56", width=64, layers=2, heads=4, inner=170, image=56),
    ("eva", "large"): EncoderSize(
        name="timm/eva02_large_patch14_clip_336", width=1024, layers=24, heads=16, inner=2730, image=336
    ),
    ("clip", "tiny"): EncoderSize(name="clip-vit-tiny-patch14-56", width=48, layers=3, heads=3, inner=192, image=56),
    ("clip", "large"): EncoderSize(
        name="openai/clip-vit-large-patch14-336", width=1024, layers=24, heads=16, inner=4096, image=336
    ),
}
"""By kind and size (1.2). `tiny` goes with the tiny language models, `large` with all others."""


default_cfgs = generate_default_cfgs({"eva02_tiny_test_clip_56": _cfg(input_size=(3, 56, 56), num_classes=0)})


@register_model
def eva02_tiny_test_clip_56(pretrained: bool = False, **options: object) -> Eva:
    """timm's EVA-02-L for CLIP in everything but size, so that timm and all that asks timm know the tiny one."""
    size = ENCODER_SIZES["eva", "tiny"]
    structure = {
        "img_size": size.image,
        "patch_size": size.patch,
        "embed_dim": size.width,
        "depth": size.layers,
        "num_heads": size.heads,
        "mlp_ratio": 4 * 2 / 3,
        "qkv_fused": False,
        "swiglu_mlp": True,
        "scale_mlp": True,
        "scale_attn_inner": True,
        "use_rot_pos_emb": True,
        "ref_feat_shape": (16, 16),
        "global_pool": "token",
    }
    return _create_eva("eva02_tiny_test_clip_56", pretrained=pretrained, **structure | options)


def shapes(
    family: str, size: str = "tiny", encoder: str = "eva", *, head: str | None = None, norm: str = "layer"
) -> dict[str, Shape]:
    """Every key of a released checkpoint and its shape, in the order of the tables of section 3.

    Args:
        family: `mamba` or `pythia`.
        size: `tiny`, or a released one: 790m, 1.4b, 2.8b (Mamba), 1b, 1.4b, 2.8b (Pythia).
        encoder: `eva` or `clip`.
        head: of Mamba only, whether the tied head is stored: `absent` (default), `duplicated` or `conflicting`.
        norm: `layer`, or `rms` for a Mamba whose norms have no biases. Pythia has `layer` alone.
    """
    language = LANGUAGE_SIZES[family, size]
    vision = ENCODER_SIZES[encoder, "tiny" if size == "tiny" else "large"]
    if family == "pythia":
        if head is not None or norm != "layer":
            raise ValueError("Pythia's head is never tied, and its norms are LayerNorm.")
        listed = _pythia(language)
    else:
        if head not in (None, "absent", "duplicated", "conflicting") or norm not in ("layer", "rms"):
            raise ValueError(f"No Mamba has the head {head} and the norm {norm}.")
        listed = _mamba(language, stored_head=head not in (None, "absent"), biased_norms=norm == "layer")
    listed |= {
        **_linear("vision_embed_tokens.0", language.width, vision.width),
        **_linear("vision_embed_tokens.2", language.width, language.width),
    }
    of_encoder = _eva(vision) if encoder == "eva" else _clip(vision)
    return listed | {f"vision_encoder.{key}": shape for key, shape in of_encoder.items()}


def _linear(name: str, wide: int, *inputs: int) -> dict[str, Shape]:
    """Weight and bias of a linear map, of a convolution, or of a norm (no inputs)."""
    return {f"{name}.weight": (wide, *inputs), f"{name}.bias": (wide,)}


def _mamba(size: LanguageSize, stored_head: bool, biased_norms: bool) -> dict[str, Shape]:
    d, inner, rank = size.width, 2 * size.width, math.ceil(size.width / 16)
    listed: dict[str, Shape] = {"backbone.embedding.weight": (size.rows, d)}
    norms = ["backbone.norm_f"]
    for layer in range(size.layers):
        mixer = f"backbone.layers.{layer}.mixer"
        listed |= {
            f"{mixer}.A_log": (inner, STATES),
            f"{mixer}.D": (inner,),
            f"{mixer}.in_proj.weight": (2 * inner, d),
            **_linear(f"{mixer}.conv1d", inner, 1, KERNEL),
            f"{mixer}.x_proj.weight": (rank + 2 * STATES, inner),
            **_linear(f"{mixer}.dt_proj", inner, rank),
            f"{mixer}.out_proj.weight": (d, inner),
        }
        norms.append(f"backbone.layers.{layer}.norm")
    for norm in norms:
        listed |= _linear(norm, d)
        if not biased_norms:
            del listed[f"{norm}.bias"]
    return listed | ({"lm_head.weight": (size.rows, d)} if stored_head else {})


def _pythia(size: LanguageSize) -> dict[str, Shape]:
    d = size.width
    listed: dict[str, Shape] = {"gpt_neox.embed_in.weight": (size.rows, d)}
    for index in range(size.layers):
        layer = f"gpt_neox.layers.{index}"
        listed |= {
            **_linear(f"{layer}.input_layernorm", d),
            **_linear(f"{layer}.post_attention_layernorm", d),
            **_linear(f"{layer}.attention.query_key_value", 3 * d, d),
            **_linear(f"{layer}.attention.dense", d, d),
            **_linear(f"{layer}.mlp.dense_h_to_4h", 4 * d, d),
            **_linear(f"{layer}.mlp.dense_4h_to_h", d, 4 * d),
        }
    return listed | _linear("gpt_neox.final_layer_norm", d) | {"embed_out.weight": (size.rows, d)}


def _eva(size: EncoderSize) -> dict[str, Shape]:
    w = size.width
    listed: dict[str, Shape] = {
        "cls_token": (1, 1, w),
        "pos_embed": (1, 1 + size.grid**2, w),
        **_linear("patch_embed.proj", w, 3, size.patch, size.patch),
    }
    for index in range(size.layers):
        block = f"blocks.{index}"
        listed |= {
            **_linear(f"{block}.norm1", w),
            **_linear(f"{block}.attn.q_proj", w, w),
            f"{block}.attn.k_proj.weight": (w, w),
            **_linear(f"{block}.attn.v_proj", w, w),
            **_linear(f"{block}.attn.norm", w),
            **_linear(f"{block}.attn.proj", w, w),
            **_linear(f"{block}.norm2", w),
            **_linear(f"{block}.mlp.fc1_g", size.inner, w),
            **_linear(f"{block}.mlp.fc1_x", size.inner, w),
            **_linear(f"{block}.mlp.norm", size.inner),
            **_linear(f"{block}.mlp.fc2", w, size.inner),
        }
    return listed | _linear("norm", w)


def _clip(size: EncoderSize) -> dict[str, Shape]:
    w = size.width
    listed: dict[str, Shape] = {
        "embeddings.class_embedding": (w,),
        "embeddings.patch_embedding.weight": (w, 3, size.patch, size.patch),
        "embeddings.position_embedding.weight": (1 + size.grid**2, w),
        **_linear("pre_layrnorm", w),
    }
    for index in range(size.layers):
        layer = f"encoder.layers.{index}"
        for projection in ("k_proj", "v_proj", "q_proj", "out_proj"):
            listed |= _linear(f"{layer}.self_attn.{projection}", w, w)
        listed |= {
            **_linear(f"{layer}.layer_norm1", w),
            **_linear(f"{layer}.mlp.fc1", size.inner, w),
            **_linear(f"{layer}.mlp.fc2", w, size.inner),
            **_linear(f"{layer}.layer_norm2", w),
        }
    listed |= _linear("post_layernorm", w)
    return {f"vision_model.{key}": shape for key, shape in listed.items()}
