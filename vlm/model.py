"""The vision-language model: frozen vision encoder, MLP connector, causal language model of either family.

    pixels       images x 3 x height x width
    features     images x patches x encoder width         frozen encoder, patch features alone
    connected    images x patches x width                 Linear, GELU, Linear
    embeddings   rows x length x width                    connected patches where ids say PATCH
    hidden       rows x length x width                    the language model, each sample kept to itself
    logits       targets x vocabulary                     only where there is a label

The loss is the mean over the target tokens of a sample, then the mean over samples (reference-facts, 6.2). Section 3 of
the paper; one connector initialisation for both families, which its public implementation has not.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Unpack, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel

from backbones.attention import keep_documents_apart, whole
from backbones.models import family_of
from backbones.scan import packed
from backbones.scan.documents import recomputed
from vlm import checkpoint
from vlm.architecture import Architecture
from vlm.generate import GenerationOptions, generate
from vlm.packing import Batch
from vlm.prompt import PATCH, UNSCORED, Layout, Order, lay_out
from vlm.sample import Sample
from vlm.vision import VisionEncoder
from vlm.vocabulary import Vocabulary


class Losses(NamedTuple):
    """What a forward pass finds. `loss` is the mean over the samples: one without targets, as there are with
    `as_published` alone, counts with a loss of 0."""

    loss: Tensor
    of_samples: Tensor
    """samples: mean cross entropy of its targets, 0 where there are none."""
    correct: Tensor
    """samples: targets that were most likely of all tokens."""
    targets: Tensor
    """samples: how many there are."""


class VisionLanguageModel(nn.Module):
    """See the module. `vlm.assemble` makes one."""

    def __init__(
        self,
        architecture: Architecture,
        language_model: PreTrainedModel,
        encoder: VisionEncoder,
        vocabulary: Vocabulary,
    ) -> None:
        super().__init__()
        self.config = architecture
        self.vocabulary = vocabulary
        self.encoder = encoder
        self.language_model = language_model
        width = language_model.config.hidden_size
        self.connector = nn.Sequential(nn.Linear(encoder.width, width), nn.GELU(), nn.Linear(width, width))
        self.family = family_of(language_model.config)
        self._no_split_modules = language_model._no_split_modules  # what FSDP wraps
        if self.family != "mamba":
            keep_documents_apart(language_model)

    @classmethod
    def from_pretrained(cls, folder: Path | str, image_size: int | None = None) -> "VisionLanguageModel":
        """The model in a folder, in float32 and in evaluation mode: see `vlm.checkpoint.load`."""
        return checkpoint.load(Path(folder), image_size)

    def save_pretrained(self, folder: Path | str, state_dict: dict[str, Tensor] | None = None) -> None:
        """Writes the model into a folder: see `vlm.checkpoint.save`."""
        checkpoint.save(self, Path(folder), state_dict)

    def prompt(self, sample: Sample, order: Order, with_answers: bool = False) -> Layout:
        """What the model reads of a sample, up to the first answer unless all is asked for."""
        case = self.config.case
        return lay_out(sample, order, self.vocabulary, self.grid, case=case, with_answers=with_answers)

    def generate(
        self,
        prompts: Sequence[Layout],
        pixels: Tensor,
        pictures: Sequence[int] | None = None,
        **options: Unpack[GenerationOptions],
    ) -> list[str]:
        """What the model says behind each prompt: see `vlm.generate.generate`."""
        return [self.vocabulary.decode(ids) for ids in generate(self, prompts, pixels, pictures, **options)]

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches of a picture."""
        return self.encoder.grid

    @property
    def device(self) -> torch.device:
        return self.connector[0].weight.device  # type: ignore[return-value]

    def freeze(self, stage: str) -> None:
        """Leaves what a stage trains with gradients: in `align` the connector, in `instruct` the language model too."""
        self.encoder.requires_grad_(False)
        self.connector.requires_grad_(True)
        self.language_model.requires_grad_(stage == "instruct")

    def checkpoint_activations(self) -> None:
        """Trades time for memory: activations of the language model's layers are computed again going back."""
        options = {"use_reentrant": False, "context_fn": recomputed}
        self.language_model.gradient_checkpointing_enable(gradient_checkpointing_kwargs=options)

    def features(self, pixels: Tensor) -> Tensor:
        """images x patches x encoder width, without gradients."""
        return self.encoder(pixels)  # type: ignore[no-any-return]

    def embed(self, ids: Tensor, features: Tensor) -> Tensor:
        """rows x length x width: the language model's embeddings, connected patches where `ids` says PATCH.

        Args:
            features: of the images in the order in which their patches stand in `ids`.

        Raises:
            ValueError: there are more or fewer places than patches.
        """
        is_patch = ids == PATCH
        places, patches = int(is_patch.sum()), features.shape[0] * features.shape[1]
        if places != patches:
            raise ValueError(f"{places} places for {patches} patches: the layout and the encoder have different grids.")
        embeddings = self.language_model.get_input_embeddings()(ids.masked_fill(is_patch, 0))
        connected = self.connector(features)
        return embeddings.masked_scatter(is_patch[..., None], connected.to(embeddings.dtype))  # type: ignore[no-any-return]

    def hidden(self, embeddings: Tensor, starts: Tensor, positions: Tensor) -> Tensor:
        """rows x length x width: what the language model makes of packed samples. See `vlm.packing`."""
        told: dict[str, Any] = {}
        if self.family != "mamba":
            told = {"position_ids": positions, "attention_mask": whole(embeddings.device)}
        with packed(starts):
            return self.base(inputs_embeds=embeddings, use_cache=False, **told).last_hidden_state  # type: ignore[no-any-return]

    def forward(self, batch: Batch, pixels: Tensor | None = None, features: Tensor | None = None) -> Losses:
        """The loss of packed samples; pictures as pixels, or as features that were computed before."""
        if features is None:
            assert pixels is not None
            features = self.features(pixels)
        hidden = self.hidden(self.embed(batch.ids, features), batch.starts, batch.positions)
        # The label of a step is the next id: of the same sample, as none begins with a target.
        wanted = batch.labels[:, 1:] != UNSCORED
        targets = batch.labels[:, 1:][wanted]
        logits = self.head(hidden[:, :-1][wanted]).float()
        found = F.cross_entropy(logits, targets, reduction="none")
        of = batch.documents[:, 1:][wanted]

        def total(values: Tensor) -> Tensor:
            return torch.zeros(batch.samples, device=values.device, dtype=values.dtype).index_add(0, of, values)

        counts = total(torch.ones_like(targets))
        losses = total(found) / counts.clamp(min=1)
        correct = total((logits.argmax(-1) == targets).long())
        return Losses(losses.mean(), losses, correct, counts)

    @property
    def base(self) -> nn.Module:
        """The language model beneath its head."""
        return self.language_model.base_model

    @property
    def head(self) -> nn.Module:
        """From hidden states to logits."""
        return cast(nn.Module, self.language_model.get_output_embeddings())
