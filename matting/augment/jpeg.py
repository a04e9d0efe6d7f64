"""JPEG artefacts, batched, each row at its own quality.

Everything in the codec that loses information and nothing else: 8-bit YCbCr (JFIF), 2x2 chroma subsampling, the 8x8
DCT, the quantisation tables of ITU-T T.81 annex K scaled as the Independent JPEG Group's library scales them, and the
decoder's triangle upsampling of chroma. Entropy coding loses nothing, so it is left out.

Kornia's ``jpeg_codec_differentiable`` reads the range of the qualities on the host and takes more than 4 times as long,
and its soft rounding leaves an image further from what a codec makes of it.
"""

import functools
import math

import torch
import torch.nn.functional as F
from torch import Tensor

# fmt: off
_LUMA = (
    16, 11, 10, 16, 24, 40, 51, 61,      12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56,      14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77,    24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101,  72, 92, 95, 98, 112, 100, 103, 99,
)
_CHROMA = (
    17, 18, 24, 47, 99, 99, 99, 99,      18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99,      47, 66, 99, 99, 99, 99, 99, 99,
) + (99,) * 32
# fmt: on


def jpeg(image: Tensor, quality: Tensor) -> Tensor:
    """Return what is left of an image that was saved as JPEG.

    Args:
        image: ``(B, 3, H, W)`` float in [0, 1], sRGB.
        quality: ``(B,)`` float, 1 to 100 in the Independent JPEG Group's scale; values outside are clipped.

    Returns:
        ``(B, 3, H, W)`` float in [0, 1], on 8-bit levels.
    """
    height, width = image.shape[-2:]
    # 16, not 8: chroma is halved before it is cut into blocks of 8
    padded = F.pad(image, (0, -width % 16, 0, -height % 16), mode="replicate")
    to_ycbcr, to_rgb = _colour_matrices(image.device).unbind()
    brightness, chroma = torch.split(_recolour(padded, to_ycbcr * 255), [1, 2], dim=1)
    luma_table, chroma_table = _scaled_tables(quality)
    brightness = _requantise((brightness - 128).round_(), luma_table)
    chroma = _requantise(_halved(chroma.round()).round_(), chroma_table)
    chroma = F.interpolate(chroma, scale_factor=2, mode="bilinear", align_corners=False).round_()
    decoded = _recolour(torch.cat([brightness + 128, chroma], dim=1), to_rgb)
    return decoded[..., :height, :width].round().clamp_(0, 255).div_(255)


def _recolour(image: Tensor, matrix: Tensor) -> Tensor:
    # Kornia's rgb_to_ycbcr and ycbcr_to_rgb, channel by channel, take twice as long
    return (matrix @ image.flatten(2)).view_as(image)


def _halved(planes: Tensor) -> Tensor:
    """Means of 2x2 pixels; on a CPU several times faster than average pooling."""
    rows = planes[..., 0::2, :] + planes[..., 1::2, :]
    return (rows[..., 0::2] + rows[..., 1::2]).mul_(0.25)


def _scaled_tables(quality: Tensor) -> tuple[Tensor, Tensor]:
    """The two quantisation tables of each row, ``(B, 64)``: 5000 / q percent of the base below 50, else 200 - 2 q."""
    quality = quality.clamp(1, 100).floor()
    percent = torch.where(quality < 50, (5000 / quality).floor(), 200 - 2 * quality)
    scaled = ((_base_tables(quality.device)[:, None] * percent[:, None] + 50) / 100).floor().clamp(1, 255)
    return scaled[0], scaled[1]


def _requantise(planes: Tensor, table: Tensor) -> Tensor:
    """Transform, round and transform back ``(B, C, H, W)`` in 8x8 blocks; as 64-vectors it is two matrix products."""
    rows, channels, height, width = planes.shape
    basis = _dct_basis(planes.device)
    blocks = planes.view(rows, channels, height // 8, 8, width // 8, 8).transpose(3, 4).reshape(rows, -1, 64)
    coefficients = (blocks @ basis.T).div_(table[:, None]).round_().mul_(table[:, None])
    decoded = (coefficients @ basis).view(rows, channels, height // 8, width // 8, 8, 8).transpose(3, 4)
    return decoded.reshape(planes.shape).round_().clamp_(-128, 127)


@functools.cache
def _colour_matrices(device: torch.device) -> Tensor:
    """``(2, 3, 3)``: RGB to YCbCr and back (JFIF 1.02), chroma around zero; kept as the tables are."""
    weights = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64)
    blue = (torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64) - weights) / 1.772
    red = (torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64) - weights) / 1.402
    to_ycbcr = torch.stack([weights, blue, red])
    return torch.stack([to_ycbcr, to_ycbcr.inverse()]).to(device, torch.float32)


@functools.cache
def _base_tables(device: torch.device) -> Tensor:
    """``(2, 64)``; kept per device, because copying a constant over makes the host wait."""
    return torch.tensor([_LUMA, _CHROMA], dtype=torch.float32, device=device)


@functools.cache
def _dct_basis(device: torch.device) -> Tensor:
    """``(64, 64)`` orthonormal two-dimensional DCT-II, one row per coefficient."""
    frequency = torch.arange(8, device=device, dtype=torch.float64)
    angle = frequency[:, None] * (2 * frequency[None, :] + 1) * (math.pi / 16)
    one_axis = angle.cos() * torch.where(frequency > 0, 0.5, math.sqrt(0.125))[:, None]
    return torch.kron(one_axis, one_axis).float()
