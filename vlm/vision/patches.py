"""The variant without an encoder: the features of a patch are its pixels (reference-facts, 1.11)."""

from torch import Tensor, nn

from vlm.vision.encoder import VisionEncoder, VisionError, VisionSettings


def flatten_patches(pixels: Tensor, patch: int) -> Tensor:
    """Pixels n x channels x height x width -> n x rows*columns x patch*patch*channels, row by row.

    Within a patch the order is row, column, channel.

    Raises:
        VisionError: height or width does not divide into patches.
    """
    count, channels, height, width = pixels.shape
    if height % patch or width % patch:
        raise VisionError(f"{height} x {width} pixels do not divide into patches of {patch}: resize the picture.")
    cut = pixels.reshape(count, channels, height // patch, patch, width // patch, patch)
    return cut.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)


class PatchEncoder(VisionEncoder):
    """Raw patches. It has no parameters."""

    def __init__(self, settings: VisionSettings) -> None:
        patch = settings.patch_size or 1
        super().__init__(settings, patch=patch, width=3 * patch**2, blocks=0)
        self.patch = patch
        self.hold(nn.Identity())

    def features(self, pixels: Tensor) -> Tensor:
        return flatten_patches(pixels, self.patch)
