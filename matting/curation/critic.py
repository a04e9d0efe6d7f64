"""A network that takes a photo with its annotated matte and predicts where, and in which way, the matte is wrong."""

from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

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
"""Hair cut along a line, a gap labelled foreground, a cast shadow labelled foreground, a part labelled background, and
a matte that is shifted, too wide or too narrow, or of another image."""

FAULTS: tuple[Fault, ...] = get_args(Fault)

WEIGHTS = Path(__file__).with_name("critic.safetensors")
"""Trained on the synthetic corpus, see ``experiments/curation``."""

STRIDE = 4
"""Pixels of the image per cell of the fault maps."""

SIDE = 720
"""Short side in pixels of the critic's input."""

_LONGEST = 1536  # pixels of the long side at most; limits memory on panoramas
_LEAST = 8 * STRIDE  # `peaks` needs 8 x 8 cells: 16 windows of 5 x 5
_AROUND = 0.2  # margin around the subject, as a share of its longer side
_AROUND_SPECKS = 0.1  # at least this share of the image's short side


def narrow_resnet() -> Any:
    """Build the backbone of the shipped weights, a narrow ResNet-18-D."""
    backbone = timm.create_model(
        "resnet18d", features_only=True, in_chans=CHANNELS, channels=(48, 80, 128, 160), out_indices=(1, 2, 3, 4)
    )
    backbone.channels = backbone.feature_info.channels()
    return backbone


class Critic(nn.Module):
    """A feature pyramid (Lin et al. 2017, arXiv 1612.03144) on a backbone, down to a quarter of the size.

    Args:
        backbone: Returns levels with these ``channels``, each half the size of the one before, from a quarter on.
        width: Channels of the pyramid.
    """

    def __init__(self, backbone: nn.Module, width: int = 64) -> None:
        super().__init__()
        self.backbone = backbone
        channels: list[int] = backbone.channels  # type: ignore[assignment]
        self.lateral = nn.ModuleList(nn.Conv2d(count, width, 1) for count in channels)
        self.smooth = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(True))
            for _ in channels[:-1]
        )
        self.head = nn.Conv2d(width, len(FAULTS), 1)
        nn.init.constant_(self.head.get_parameter("bias"), -4.0)  # most of any matte is right: start from a low prior

    def forward(self, looks: Tensor) -> Tensor:
        """Predict the fault maps.

        Args:
            looks: ``(B, 10, H, W)`` float in [0, 1], `clues` divided by 255.

        Returns:
            ``(B, 5, H / 4, W / 4)`` logits, sizes rounded up: that the matte has each of the `FAULTS` here.
        """
        # To [-2, 2], about the range of an image normalised by its mean and deviation.
        levels = self.backbone(4 * looks - 2)
        found: Tensor = self.lateral[-1](levels[-1])
        # Without the coarsest level, for which there is no `smooth`: `found` starts from it.
        for level, lateral, smooth in list(zip(levels, self.lateral, self.smooth, strict=False))[::-1]:
            found = smooth(lateral(level) + F.interpolate(found, size=level.shape[-2:], mode="nearest"))
        logits: Tensor = self.head(found)
        return logits


def peaks(maps: Tensor) -> Tensor:
    """Return the peak of each map: the mean of the 16 largest means over 5 x 5 cells.

    Args:
        maps: ``(B, K, H, W)``, at least 8 x 8 cells.

    Returns:
        ``(B, K)``.
    """
    return F.avg_pool2d(maps, 5, 1).flatten(2).topk(16).values.mean(dim=2)


class Frame(NamedTuple):
    """The part of an image that the critic looks at: the annotated subject with what is around it.

    Attributes:
        top, bottom, left, right: Pixels of the image; bottom and right are exclusive.
        size: Width and height at which the critic sees the part.
    """

    top: int
    bottom: int
    left: int
    right: int
    size: tuple[int, int]

    def cut(self, plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Cut the part out of a ``(H, W)`` or ``(H, W, C)`` image, at the size the critic sees it."""
        part = plane[self.top : self.bottom, self.left : self.right]
        # INTER_AREA averages when shrinking, but is like nearest neighbours when enlarging.
        filtering = cv2.INTER_AREA if self.size[0] < part.shape[1] else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(part, self.size, interpolation=filtering), np.uint8)

    def put(self, cells: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
        """Place a map of the part, ``(h, w)``, in an image of this shape; 0 outside."""
        canvas = np.zeros(shape, np.float32)
        part = canvas[self.top : self.bottom, self.left : self.right]
        part[:] = cv2.resize(cells, part.shape[::-1])
        return canvas


def frame_around(alpha: NDArray[np.uint8]) -> Frame:
    """Return the frame around the subject of a ``(H, W)`` uint8 matte; the whole image if there is no subject.

    A small person in a large room is enlarged, so that the size of faults does not depend on the subject's.
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
    """The critic's result for a pair.

    Attributes:
        score: Probability of each fault, in [0, 1], rounded to four digits.
        cells: Map of each fault, ``(h, w)`` float32 in [0, 1], roughly the error of alpha in each cell.
        frame: The part of the image that the maps cover.
        shape: H and W of the matte.
    """

    score: dict[Fault, float]
    cells: dict[Fault, NDArray[np.float32]]
    frame: Frame
    shape: tuple[int, int]

    def where(self, fault: Fault) -> NDArray[np.float32]:
        """Return the map of one fault at the size of the matte, ``(H, W)`` float32 in [0, 1]."""
        return self.frame.put(self.cells[fault], self.shape)


@torch.inference_mode()
def criticise(photo: NDArray[np.uint8], alpha: NDArray[np.uint8], critic: Critic | None = None) -> Criticism:
    """Run the critic on a pair.

    The part around the subject is scaled to `SIDE` pixels on the short side; finer faults are not found.

    Args:
        photo: ``(H, W, 3)`` uint8 RGB.
        alpha: ``(H, W)`` uint8, 255 = foreground.
        critic: Another network than the shipped one, in evaluation mode.
    """
    frame = frame_around(alpha)
    looks = clues(frame.cut(photo), frame.cut(alpha))
    maps = (critic or load_critic(WEIGHTS))(torch.from_numpy(looks.transpose(2, 0, 1)[None]).float() / 255)
    scores, cells = peaks(maps).sigmoid()[0].tolist(), maps.sigmoid()[0].numpy()
    found = {fault: round(score, 4) for fault, score in zip(FAULTS, scores, strict=True)}
    return Criticism(found, dict(zip(FAULTS, cells, strict=True)), frame, (alpha.shape[0], alpha.shape[1]))


@cache
def load_critic(weights: Path) -> Critic:
    """Load the critic in evaluation mode, from `WEIGHTS` or others of its architecture."""
    critic = Critic(narrow_resnet())
    critic.load_state_dict(load_file(weights))
    return critic.to(memory_format=torch.channels_last).eval()  # the layout of the image: saves a copy
