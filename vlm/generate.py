"""Generation: a batch of prompts of any lengths, one forward pass over pictures and prompts, then a token at a time.

    prompts    a layout each, without answers; padded on the left to one length
    cache      keys and values of every token (Pythia), one state of constant size a layer (Mamba)

What stands left of a prompt is kept out of it: by the attention mask and positions from 0 in a Transformer, by zeros in
front of convolution and scan in a Mamba. So a batch of n gives what n batches of one give. For the same reason what is
drawn depends on the seed and the id of the sample alone. A sequence ends at its end token.
"""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import torch
from torch import Tensor

from vlm.prompt import PATCH, Layout

if TYPE_CHECKING:
    from vlm.model import VisionLanguageModel

CACHE = {"mamba": "cache_params"}
"""What a family calls its cache; the others say `past_key_values`."""


class GenerationOptions(TypedDict, total=False):
    """How an answer is drawn."""

    max_new_tokens: int
    """40 unless given."""
    temperature: float
    """0, the default, takes the most likely token; 1 draws as the model says."""
    top_p: float
    """Draws among the most likely tokens that have this probability together; 1, the default, among all."""
    seed: int
    """Of what is drawn, together with the id of the sample."""
    use_cache: bool
    """False reads everything again for every token, as the public implementation does; for measuring."""


@torch.no_grad()
def generate(
    model: "VisionLanguageModel",
    prompts: Sequence[Layout],
    pixels: Tensor,
    pictures: Sequence[int] | None = None,
    **options: Unpack[GenerationOptions],
) -> list[list[int]]:
    """The tokens behind each prompt, its end token not among them.

    Args:
        prompts: laid out with `with_answers=False`.
        pixels: pictures x 3 x height x width. The encoder sees each of them once.
        pictures: the number of the picture that each prompt is about; where it is left out, its own number.
    """
    pictures = range(len(pixels)) if pictures is None else pictures
    if len(pictures) != len(prompts):
        raise ValueError(f"{len(prompts)} prompts are about {len(pictures)} pictures: say which picture each is about.")
    features = model.features(pixels)[torch.tensor(list(pictures), device=pixels.device)]
    embeddings, mask = _padded(model, prompts, features)
    limit = options.get("max_new_tokens", 40)
    draw = _Sampler(model.vocabulary.rows, prompts, options)
    reader = _Reader(model, options.get("use_cache", True))
    said: list[list[int]] = [[] for _ in prompts]
    is_open = torch.ones(len(prompts), dtype=torch.bool)
    for _ in range(limit):
        hidden = reader.read(embeddings, mask)
        tokens = draw(model.head(hidden).float())
        for n in is_open.nonzero().flatten().tolist():
            if tokens[n] == model.vocabulary.end:
                is_open[n] = False
            else:
                said[n].append(int(tokens[n]))
        if not is_open.any():
            break
        embeddings = model.language_model.get_input_embeddings()(tokens.to(embeddings.device)[:, None])
        mask = mask.new_ones(len(prompts), 1)
    return said


def _padded(model: "VisionLanguageModel", prompts: Sequence[Layout], features: Tensor) -> tuple[Tensor, Tensor]:
    """prompts x longest x width, each prompt at the end of its row, and where it stands (prompts x longest, int64)."""
    longest = max(len(prompt.ids) for prompt in prompts)
    ids = torch.zeros(len(prompts), longest, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        ids[row, longest - len(prompt.ids) :] = torch.tensor(prompt.ids)
        mask[row, longest - len(prompt.ids) :] = 1
    has_image = torch.tensor([PATCH in prompt.ids for prompt in prompts], device=features.device)
    ids, mask = ids.to(features.device), mask.to(features.device)
    return model.embed(ids, features[has_image]), mask


class _Reader:
    """Reads embeddings and remembers them, in the family's cache or, without one, as they are."""

    def __init__(self, model: "VisionLanguageModel", use_cache: bool) -> None:
        self.model = model
        self.use_cache = use_cache
        self.cache: Any = None
        self.embeddings: Tensor | None = None
        self.mask: Tensor | None = None

    def read(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """sequences x width: the hidden state behind the last of these steps.

        Args:
            embeddings: sequences x steps x width, behind those that were read before.
            mask: sequences x steps, 0 where there is padding.
        """
        is_first = self.mask is None
        self.mask = mask if self.mask is None else torch.cat([self.mask, mask], dim=1)
        if not self.use_cache:
            before = [] if self.embeddings is None else [self.embeddings]
            self.embeddings = embeddings = torch.cat([*before, embeddings], dim=1)
            return self._call(embeddings, is_first=True).last_hidden_state[:, -1]  # type: ignore[no-any-return]
        output = self._call(embeddings, is_first)
        self.cache = getattr(output, self._cache_name)
        return output.last_hidden_state[:, -1]  # type: ignore[no-any-return]

    def _call(self, embeddings: Tensor, is_first: bool) -> Any:
        assert self.mask is not None
        told: dict[str, Any] = {"use_cache": self.use_cache}
        if self.use_cache:
            told[self._cache_name] = self.cache
        if self.model.family == "mamba":
            # A state has no padding in it: only the pass over whole prompts needs to know where they begin.
            told["attention_mask"] = self.mask if is_first and not bool(self.mask.all()) else None
        else:
            positions = (self.mask.cumsum(1) - 1).clamp(min=0)
            told |= {"attention_mask": self.mask, "position_ids": positions[:, -embeddings.shape[1] :]}
        return self.model.base(inputs_embeds=embeddings, **told)

    @property
    def _cache_name(self) -> str:
        return CACHE.get(self.model.family, "past_key_values")


class _Sampler:
    """Chooses the next token of each sequence."""

    def __init__(self, rows: int, prompts: Sequence[Layout], options: GenerationOptions) -> None:
        self.rows = rows
        self.temperature = options.get("temperature", 0.0)
        self.top_p = options.get("top_p", 1.0)
        seed = options.get("seed", 0)
        self.generators = [torch.Generator().manual_seed(_number(f"{seed}/{prompt.sample.id}")) for prompt in prompts]

    def __call__(self, logits: Tensor) -> Tensor:
        """sequences, int64, on the CPU, of logits (sequences x vocabulary)."""
        logits = logits[:, : self.rows]  # a model may have more rows than there are tokens
        if self.temperature == 0:
            return logits.argmax(-1).cpu()
        probabilities = torch.softmax(logits.cpu() / self.temperature, dim=-1)
        if self.top_p < 1:
            sorted_, order = probabilities.sort(dim=-1, descending=True)
            # The one that reaches the share is still among them.
            sorted_[sorted_.cumsum(-1) - sorted_ >= self.top_p] = 0
            probabilities = torch.zeros_like(probabilities).scatter(-1, order, sorted_)
        drawn = [torch.multinomial(p, 1, generator=g) for p, g in zip(probabilities, self.generators, strict=True)]
        return torch.cat(drawn)


def _number(name: str) -> int:
    """A seed of its own for each name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) >> 1
