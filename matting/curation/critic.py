"""A network that sees a photo with its annotated matte, and says where the matte is wrong and how."""

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
a matte that lies next to the subject, is too wide or too narrow, or is another image's."""

FAULTS: tuple[Fault, ...] = get_args(Fault)

WEIGHTS = Path(__file__).with_name("critic.safetensors")
"""As taught by ``experiments/curation/teach.py`` on the synthetic corpus."""

STRIDE = 4
"""Pixels of the image to a cell of a map of faults."""

SIDE = 720
"""Short side in pixels of what the critic looks at, in front of it and when it learnt."""

_LONGEST = 1536  # pixels of the long side, whatever the short one becomes
_LEAST = 8 * STRIDE  # `peaks` takes 16 places of 5 x 5 cells
_AROUND = 0.2  # of the subject's longer side, what is seen around it
_AROUND_SPECKS = 0.1  # of the image's short side, at least


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


class Frame(NamedTuple):
    """The part of an image that the critic looks at: the annotated subject with what is around it.

    Attributes:
        top, bottom, left, right: In pixels of the image, the ends not included.
        size: Of the part as the critic sees it, width and height.
    """

    top: int
    bottom: int
    left: int
    right: int
    size: tuple[int, int]

    def cut(self, plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The part of a ``(H, W)`` or ``(H, W, C)`` image, at the size the critic sees it."""
        part = plane[self.top : self.bottom, self.left : self.right]
        filtering = cv2.INTER_AREA if self.size[0] < part.shape[1] else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(part, self.size, interpolation=filtering), np.uint8)

    def put(self, cells: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
        """A map of the part, ``(h, w)``, on an image of this shape; 0 outside."""
        canvas = np.zeros(shape, np.float32)
        part = canvas[self.top : self.bottom, self.left : self.right]
        part[:] = cv2.resize(cells, part.shape[::-1])
        return canvas


def frame_around(alpha: NDArray[np.uint8]) -> Frame:
    """The frame of the subject of a ``(H, W)`` uint8 matte; the whole image where there is none.

    A small person in a large room is looked at from near, so that faults have one size whatever the subject's.
    """
    height, width = alpha.shape
    left, top, w, h = cv2.boundingRect((alpha > 127).astype(np.uint8))
    if not w:
        left, top, w, h = 0, 0, width, height
    around = round(max(_AROUND * max(w, h), _AROUND_SPECKS * min(height, width)))
    top, bottom = max(0, top - around), min(height, top + h + around)
    left, right = max(0, left - around), min(width, left + w + around)
    sides = right - left, bottom - top
    scale = min(SIDE / min(sides), _LONGEST / max(sides))
    size = max(_LEAST, round(sides[0] * scale)), max(_LEAST, round(sides[1] * scale))
    return Frame(top, bottom, left, right, size)


class Criticism(NamedTuple):
    """What the critic says of a pair.

    Attributes:
        score: By fault, how sure the critic is that the matte has it, in [0, 1]; four digits.
        cells: By fault, ``(h, w)`` float32 in [0, 1], about the share by which alpha is wrong in each cell.
        frame: The part that it looked at, and that the cells are of.
        shape: Of the matte, H and W.
    """

    score: dict[Fault, float]
    cells: dict[Fault, NDArray[np.float32]]
    frame: Frame
    shape: tuple[int, int]

    def where(self, fault: Fault) -> NDArray[np.float32]:
        """One fault's map at the size of the matte, ``(H, W)`` float32 in [0, 1]."""
        return self.frame.put(self.cells[fault], self.shape)


@torch.inference_mode()
def criticise(photo: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> Criticism:
    """Ask the critic about a pair.

    It looks at the subject with `SIDE` pixels on the short side; a finer fault than can be seen there is not found.

    Args:
        photo: ``(H, W, 3)`` uint8 RGB.
        alpha: ``(H, W)`` uint8, 255 = foreground.
    """
    frame = frame_around(alpha)
    looks = clues(frame.cut(photo), frame.cut(alpha))
    maps = _critic()(torch.from_numpy(looks.transpose(2, 0, 1)[None]).float() / 255)
    scores, cells = peaks(maps).sigmoid()[0].tolist(), maps.sigmoid()[0].numpy()
    found = {fault: round(score, 4) for fault, score in zip(FAULTS, scores, strict=True)}
    return Criticism(found, dict(zip(FAULTS, cells, strict=True)), frame, (alpha.shape[0], alpha.shape[1]))


@cache
def _critic() -> Critic:
    critic = Critic()
    critic.load_state_dict(load_file(WEIGHTS))
    return critic.to(memory_format=torch.channels_last).eval()  # as an image lies in memory
