"""ViT and EVA encoders of timm, EVA-02 among them (reference-facts, 1.2 and 1.10)."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, cast

import timm
import torch
from timm.layers.patch_embed import PatchEmbed
from timm.models import eva, load_pretrained, vision_transformer
from timm.models.eva import Eva
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor

from backbones.errors import first_line
from vlm.pixels import Normalisation
from vlm.vision.encoder import VisionEncoder, VisionError, VisionSettings


class TimmEncoder(VisionEncoder):
    """A ViT or EVA by timm's name, with or without a tag that says which weights.

    The default features are normalised by what the model has: of one that normalises after pooling, each patch is.
    """

    model: Eva | VisionTransformer

    def __init__(self, settings: VisionSettings) -> None:
        with torch.device("meta"):  # what can be refused is, before weights are drawn
            outline = _create(settings)
        recipe: Any = outline.pretrained_cfg
        super().__init__(
            settings,
            patch=outline.patch_embed.patch_size[0],
            width=outline.embed_dim,
            blocks=len(outline.blocks),
            normalisation=Normalisation(mean=tuple(recipe["mean"]), std=tuple(recipe["std"])),
        )
        self.hold(_create(settings))
        if settings.pretrained:
            self._fetch()

    def features(self, pixels: Tensor) -> Tensor:
        if self.block is None:
            tokens = self.model.fc_norm(self.model.forward_features(pixels))
            return cast(Tensor, tokens[:, self.model.num_prefix_tokens :])
        wanted: Any = self.model.forward_intermediates(
            pixels, indices=[self.block - 1], stop_early=True, output_fmt="NLC", intermediates_only=True
        )
        return cast(Tensor, wanted[0])

    def adapt(self, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        home = eva if isinstance(self.model, Eva) else vision_transformer
        recipe: Any = self.model.pretrained_cfg
        heads = recipe["classifier"]
        dropped = tuple(f"{head}." for head in ([heads] if isinstance(heads, str) else heads))
        adapted = home.checkpoint_filter_fn(dict(weights), self.model)
        return {key: weight for key, weight in adapted.items() if not key.startswith(dropped)}

    def _fetch(self) -> None:
        """Loads the weights of the hub. timm would leave those that are missing as they were drawn."""
        try:
            load_pretrained(self.model, num_classes=0, filter_fn=lambda weights, _: self.account(weights))
        except VisionError:
            raise
        except Exception as error:  # the hub, the network and safetensors each raise their own
            name = self.settings.name
            raise VisionError(
                f"the weights of {name} cannot be had ({first_line(error)}): connect, or name a model that has some."
            ) from error


def _create(settings: VisionSettings) -> Eva | VisionTransformer:
    """The model with the weights it is drawn with.

    Raises:
        VisionError: timm has none of that name, or it is not of these classes.
    """
    name = settings.source
    try:
        known = timm.is_model(name)
        model = timm.create_model(name, num_classes=0, img_size=settings.image_size) if known else None
    except (RuntimeError, TypeError):  # an unknown tag; a model without a size of its own
        model = None
    if not isinstance(model, Eva | VisionTransformer) or not isinstance(model.patch_embed, PatchEmbed):
        names = timm.list_models(["vit_*", "eva*", "deit*"], include_tags="." in name)
        near = get_close_matches(name, names) or ["eva02_large_patch14_clip_336", "vit_base_patch16_clip_224"]
        raise VisionError(f"timm has no ViT or EVA called {name}: name one, such as {', '.join(near)}.")
    return model
