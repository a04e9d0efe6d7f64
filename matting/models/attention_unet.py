"""Attention U-Net for trimap-free matting: one image in, an alpha matte and a trimap out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import torch
from huggingface_hub import PyTorchModelHubMixin
from safetensors.torch import save
from torch import Tensor, nn

from matting.errors import MattingError
from matting.models.decoder import Decoder, conv_block
from matting.models.encoder import Encoder
from matting.models.norms import Norm

Fusion = Literal["none", "snap", "soft"]
"""How a `Predictor` combines the two heads; see `matting.models.fuse`."""


class MattingOutput(NamedTuple):
    """What the network predicts.

    Attributes:
        alpha: ``(B, 1, H, W)`` float32 in [0, 1].
        trimap_logits: ``(B, 3, H, W)``: background, unknown, foreground.
        features: ``(B, C, H / 8, W / 8)`` for encoders of stride 32: the decoder's second level, which describes the
            scene before edges are resolved. Training compares persons by it.
    """

    alpha: Tensor
    trimap_logits: Tensor
    features: Tensor


class AttentionUNet(nn.Module, PyTorchModelHubMixin, library_name="portrait-matting", license="apache-2.0"):
    """U-Net over a timm encoder with an attention gate on every skip and two heads.

    A full-resolution skip from the image itself carries detail finer than the encoder's first stride, such as hair.
    ``save_pretrained`` and ``from_pretrained`` (of `huggingface_hub`) store the network as safetensors with a
    config.json.

    Args:
        encoder: Name of a timm backbone that supports ``features_only``.
        pretrained: Start from timm's ImageNet weights.
        encoder_weights: Start from a local weight file instead.
        decoder_channels: Channels of the decoder's levels, coarsest first, one per level of the encoder.
        detail_channels: Channels of the full-resolution skip; 0 leaves it out.
        gates: Put attention gates on the skips; False gives the plain U-Net with the same decoder.
        norm: ``batch`` or ``group``; GroupNorm is independent of batch size and ranks.
        fusion: How the two heads are combined at inference. It has no effect on training, where each head has its
            own loss.

    Attributes:
        settings: Arguments that build the same network, without its weights.
        stride: Heights and widths of images must be multiples of it.

    Raises:
        MattingError: If the encoder is unknown, its weights cannot be loaded, or the number of channels is wrong.
        FileNotFoundError: If ``encoder_weights`` names no file.

    Example:
        >>> import torch
        >>> model = AttentionUNet(encoder="resnet18", pretrained=False).eval()
        >>> model(torch.rand(1, 3, 64, 96)).alpha.shape
        torch.Size([1, 1, 64, 96])
    """

    def __init__(
        self,
        encoder: str = "resnet34",
        pretrained: bool = True,
        encoder_weights: Path | str | None = None,
        decoder_channels: Sequence[int] = (256, 128, 64, 32, 16),
        detail_channels: int = 8,
        gates: bool = True,
        norm: Norm = "batch",
        fusion: Fusion = "none",
    ) -> None:
        super().__init__()
        if fusion not in get_args(Fusion):
            raise MattingError(f"model.fusion: expected one of {', '.join(get_args(Fusion))}, found '{fusion}'")
        self.fusion = fusion
        self.encoder = Encoder(encoder, pretrained, encoder_weights, norm)
        self.stride = max(self.encoder.reductions)
        if len(decoder_channels) != len(self.encoder.channels):
            raise MattingError(
                f"model.decoder_channels: expected {len(self.encoder.channels)} numbers for the levels of '{encoder}', "
                f"found {len(decoder_channels)}: {list(decoder_channels)}"
            )
        self.detail = conv_block(3, detail_channels, norm) if detail_channels else None
        widths, strides = [detail_channels, *self.encoder.channels], [1, *self.encoder.reductions]
        self.decoder = Decoder(widths, strides, decoder_channels, gates, norm)
        self.alpha_head = nn.Conv2d(decoder_channels[-1], 1, 3, padding=1)
        self.trimap_head = nn.Conv2d(decoder_channels[-1], 3, 3, padding=1)
        self.settings: dict[str, Any] = {
            "encoder": encoder,
            "pretrained": False,
            "encoder_weights": None,
            "decoder_channels": list(decoder_channels),
            "detail_channels": detail_channels,
            "gates": gates,
            "norm": norm,
            "fusion": fusion,
        }
        self._hub_mixin_config = self.settings  # otherwise config.json would make each load fetch encoder weights

    def forward(self, image: Tensor) -> MattingOutput:
        """Predict alpha and trimap.

        Args:
            image: ``(B, 3, H, W)`` float in [0, 1], sRGB; H and W are multiples of `stride` (32 for a ResNet).

        Returns:
            Alpha and trimap logits of the image's height and width, and features for training.

        Raises:
            MattingError: If H or W is not a multiple of `stride`.
        """
        height, width = image.shape[-2:]
        if height % self.stride or width % self.stride:
            wanted = [max(self.stride, round(side / self.stride) * self.stride) for side in (height, width)]
            raise MattingError(
                f"expected a height and width that are multiples of {self.stride}, found {height}x{width}; "
                f"resize or pad the image, for instance to {wanted[0]}x{wanted[1]}"
            )
        # Without channels, the detail skip still says at which size the last level works.
        detail = self.detail(image) if self.detail else image[:, :0]
        levels = self.decoder([detail, *self.encoder(image)])
        # Sigmoid in float32: the 8 significant bits of bf16 are too few for alphas near 1.
        alpha = torch.sigmoid(self.alpha_head(levels[-1]).float())
        return MattingOutput(alpha, self.trimap_head(levels[-1]), levels[1])

    def _save_pretrained(self, save_directory: Path) -> None:
        """Write the weights as the mixin does, but with ordinary permissions: its writer leaves 0600."""
        content = save({name: value.contiguous() for name, value in self.state_dict().items()}, {"format": "pt"})
        (save_directory / "model.safetensors").write_bytes(content)

    @classmethod
    def _from_pretrained(cls, *, strict: bool = True, **arguments: Any) -> "AttentionUNet":
        """Load as the mixin does, but refuse weights that do not fit instead of skipping them."""
        model: AttentionUNet = super()._from_pretrained(strict=strict, **arguments)
        return model
