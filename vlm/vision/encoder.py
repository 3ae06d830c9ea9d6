"""What all vision encoders are: their settings, and a frozen module that gives features of patches.

pixels n x 3 x size x size -> features n x rows*columns x width in float32, row by row, without class tokens.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from backbones.errors import first_line
from training.config import ConfigError, Precision, conform, require
from vlm.pixels import CLIP, Normalisation

PATCHES = ("patches", "placed-patches")
KINDS = (*PATCHES, "timm/MODEL", "clip/HUB-NAME-OR-FOLDER")


class VisionError(ConfigError):
    """An encoder that cannot be had as asked for. The message is one sentence that says what to do."""


@dataclass(frozen=True, kw_only=True)
class VisionSettings:
    """Which encoder a vision-language model has. The default model is that of all results of the paper.

    Raises:
        ConfigError: the settings contradict each other.
    """

    name: str = "timm/eva02_large_patch14_clip_336"
    """`patches`, `placed-patches`, `timm/MODEL` or `clip/HUB-NAME-OR-FOLDER`."""
    image_size: int = 336
    """Side of the square that a picture is resized to, in pixels."""
    patch_size: int | None = None
    """Side of a patch, in pixels; for patches alone, as models have their own."""
    layer: int | None = None
    """Index of the hidden states that are the features: k is what block k gives (from 1), -1 what the last one gives.
    None is the output of the last normalisation."""
    pretrained: bool = True
    """False: weights from the global generator, for tests and for those that are loaded afterwards."""
    precision: Precision = "fp32"
    """Of the weights and of all within; features are float32 in any case."""

    def __post_init__(self) -> None:
        conform(self)
        named = self.name in PATCHES or (self.kind in ("timm", "clip") and self.source)
        require(bool(named), f"the vision encoder must be one of {', '.join(KINDS)}, not {self.name!r}.")
        require(self.image_size >= 1, f"image_size must be at least 1, not {self.image_size}.")
        if self.name in PATCHES:
            require((self.patch_size or 0) >= 1, f"{self.name} needs a patch_size of at least 1: name one, such as 16.")
            require(self.layer is None, f"{self.name} has no layers: leave layer out.")
        else:
            require(self.patch_size is None, f"{self.name} has its own size of patches: leave patch_size out.")

    @property
    def kind(self) -> str:
        """`patches`, `placed-patches`, `timm` or `clip`."""
        return self.name.partition("/")[0]

    @property
    def source(self) -> str:
        """What the model is called where it comes from."""
        return self.name.partition("/")[2]


class VisionEncoder(nn.Module):
    """A frozen encoder: always in eval mode, without gradients, in its own precision whatever autocast says.

    Attributes:
        model: the model within; its `state_dict` has the names of the published weights (reference-facts, 3.4).
        grid: rows and columns of patches.
        width: features of a patch.
        normalisation: of the pixels it takes.

    Raises:
        VisionError: the size of the pictures or the layer does not fit the model.
    """

    model: nn.Module

    def __init__(
        self, settings: VisionSettings, *, patch: int, width: int, blocks: int, normalisation: Normalisation = CLIP
    ) -> None:
        super().__init__()
        size, layer = settings.image_size, settings.layer
        if size % patch:
            nearest = max(patch, round(size / patch) * patch)
            raise VisionError(
                f"{size} pixels do not divide into patches of {patch}: ask for an image_size of {nearest}."
            )
        if layer is not None and not 1 <= abs(layer) <= blocks:
            raise VisionError(
                f"{settings.name} has {blocks} layers: ask for one from 1 to {blocks} or -{blocks} to -1."
            )
        self.settings = settings
        self.grid = (size // patch, size // patch)
        self.width = width
        self.normalisation = normalisation
        self.block = layer if layer is None or layer > 0 else blocks + 1 + layer
        """Number of the block, from 1, whose output is the features."""

    def hold(self, model: nn.Module) -> None:
        """Takes a model in, frozen."""
        dtype = torch.bfloat16 if self.settings.precision == "bf16" else torch.float32
        self.model = model.to(dtype).requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> "VisionEncoder":
        """Stays in eval mode: dropout would be noise that no gradient answers."""
        return super().train(False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels n x 3 x size x size -> features n x rows*columns x width in float32."""
        expected = (3, self.settings.image_size, self.settings.image_size)
        if pixels.shape[1:] != expected:
            raise ValueError(
                f"pixels are n x {' x '.join(map(str, expected))}, not {' x '.join(map(str, pixels.shape))}"
            )
        like = next(self.model.parameters(), pixels)
        with torch.no_grad(), torch.autocast(pixels.device.type, enabled=False):
            return self.features(pixels.to(like.dtype)).float()

    def features(self, pixels: Tensor) -> Tensor:
        """`forward` in the precision of the model."""
        raise NotImplementedError

    def adapt(self, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Weights of the same model, at whatever resolution, under this model's names and for this resolution."""
        return weights

    def account(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """`adapt`, and the assurance that these are all the weights of the model and no others.

        Raises:
            VisionError: some are missing, too many, or of another shape.
        """
        try:
            given = dict(self.adapt(weights))
        except Exception as error:  # what resamples a table stumbles over one that is none
            raise self._foreign(first_line(error)) from error
        needed = self.model.state_dict()
        missing = sorted(needed.keys() - given.keys())
        unknown = sorted(given.keys() - needed.keys())
        other = sorted(key for key in needed.keys() & given.keys() if needed[key].shape != given[key].shape)
        if missing or unknown or other:
            counts = f"{len(missing)} missing, {len(unknown)} unknown, {len(other)} of another shape"
            raise self._foreign(f"{counts}, {(missing + unknown + other)[0]} among them")
        return given

    def _foreign(self, why: str) -> VisionError:
        return VisionError(f"these are not the weights of {self.settings.name} ({why}): name the model they belong to.")


def load_encoder_weights(encoder: VisionEncoder, weights: Mapping[str, Tensor]) -> None:
    """Puts weights of the same model into an encoder, as published or from another's `encoder.model.state_dict()`.

    They may be of another resolution: the table of absolute positions is resampled to the encoder's grid. Rotary
    positions are computed for it anyway.

    Raises:
        VisionError: they are not exactly the weights of the encoder's model.
    """
    encoder.model.load_state_dict(encoder.account(weights))


def image_tokens(grid: tuple[int, int]) -> int:
    """Tokens of a picture in the sequence: begin, rows of patches with separators between them, end."""
    rows, columns = grid
    return 1 + rows * (columns + 1)
