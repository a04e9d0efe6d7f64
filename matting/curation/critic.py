"""A network that sees a photograph with its annotated matte, and says where the matte is wrong and how."""

from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import cv2
import numpy as np
import timm
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from matting.curation.clues import CHANNELS, clues

Fault = Literal["cut_hair", "filled_gap", "included_shadow", "missing_part", "displaced"]
"""Hair cut along a line, a gap declared foreground, a cast shadow declared foreground, a part declared background, and
a matte that lies beside the subject, is too wide or too narrow, or is another picture's."""

FAULTS: tuple[Fault, ...] = get_args(Fault)

WEIGHTS = Path(__file__).with_name("critic.safetensors")
"""As taught by ``experiments/curation/teach.py`` on the demo corpus."""

STRIDE = 4
"""Pixels of the picture to a cell of a map of faults."""

SIDE = 320
"""Short side in pixels of the pictures that the critic learnt from."""

_LONGEST = 1280  # pixels of the long side, whatever the short one becomes
_LEAST = 8 * STRIDE  # `peaks` takes 16 places of 5 x 5 cells


class Critic(nn.Module):
    """A small ResNet with a feature pyramid (Lin et al. 2017, arXiv 1612.03144) down to a quarter of the size.

    Args:
        width: Channels of the pyramid.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.backbone = timm.create_model(
            "resnet18d", features_only=True, in_chans=CHANNELS, channels=(48, 80, 128, 160), out_indices=(1, 2, 3, 4)
        )
        channels = self.backbone.feature_info.channels()
        self.lateral = nn.ModuleList(nn.Conv2d(count, width, 1) for count in channels)
        self.smooth = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(True))
            for _ in channels[:-1]
        )
        self.head = nn.Conv2d(width, len(FAULTS), 1)
        nn.init.constant_(self.head.get_parameter("bias"), -4.0)  # most of any matte is right

    def forward(self, looks: Tensor) -> Tensor:
        """Judge.

        Args:
            looks: ``(B, 10, H, W)`` float in [0, 1]: `clues`, divided by 255.

        Returns:
            ``(B, 5, H / 4, W / 4)`` logits, sizes rounded up: that the matte is wrong here, in each way of `FAULTS`.
        """
        levels = self.backbone(4 * looks - 2)
        found: Tensor = self.lateral[-1](levels[-1])
        for level, lateral, smooth in list(zip(levels, self.lateral, self.smooth, strict=False))[::-1]:
            found = smooth(lateral(level) + F.interpolate(found, size=level.shape[-2:], mode="nearest"))
        logits: Tensor = self.head(found)
        return logits


def peaks(maps: Tensor) -> Tensor:
    """The height of each map where it is highest: the mean of the 16 largest means over 5 x 5 cells.

    Args:
        maps: ``(B, K, H, W)``, at least 8 x 8 cells.

    Returns:
        ``(B, K)``.
    """
    return F.avg_pool2d(maps, 5, 1).flatten(2).topk(16).values.mean(dim=2)


class Criticism(NamedTuple):
    """What the critic says of a pair.

    Attributes:
        score: By fault, how sure the critic is that the matte has it, in [0, 1]; four digits.
        cells: By fault, ``(h, w)`` float32 in [0, 1], about the share by which alpha is wrong in each cell.
        shape: Of the matte, H and W.
    """

    score: dict[Fault, float]
    cells: dict[Fault, NDArray[np.float32]]
    shape: tuple[int, int]

    def where(self, fault: Fault) -> NDArray[np.float32]:
        """One fault's map at the size of the matte, ``(H, W)`` float32 in [0, 1]."""
        return np.asarray(cv2.resize(self.cells[fault], self.shape[::-1]), np.float32)


@torch.inference_mode()
def criticise(photo: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> Criticism:
    """Ask the critic about a pair.

    It looks at `SIDE` pixels on the short side; a finer fault than can be seen there is not found.

    Args:
        photo: ``(H, W, 3)`` uint8 RGB.
        alpha: ``(H, W)`` uint8, 255 = foreground.
    """
    looks = clues(*at_working_size(photo, alpha))
    maps = _critic()(torch.from_numpy(looks.transpose(2, 0, 1)[None]).float() / 255)
    scores, cells = peaks(maps).sigmoid()[0].tolist(), maps.sigmoid()[0].numpy()
    found = {fault: round(score, 4) for fault, score in zip(FAULTS, scores, strict=True)}
    return Criticism(found, dict(zip(FAULTS, cells, strict=True)), (alpha.shape[0], alpha.shape[1]))


def at_working_size(photo: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The pair with a short side of `SIDE` pixels, or less where it is very long."""
    height, width = alpha.shape
    scale = min(SIDE / min(alpha.shape), _LONGEST / max(alpha.shape))
    size = max(_LEAST, round(width * scale)), max(_LEAST, round(height * scale))
    filtering = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = [np.asarray(cv2.resize(one, size, interpolation=filtering), np.uint8) for one in (photo, alpha)]
    return small[0], small[1]


@cache
def _critic() -> Critic:
    critic = Critic()
    critic.load_state_dict(load_file(WEIGHTS))
    return critic.eval()
