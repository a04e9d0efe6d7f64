"""The backbone of the critic that ``train.py`` trains, and how ``measure.py`` loads either critic."""

from functools import cache
from pathlib import Path
from typing import Any, Self

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from matting.curation import critic
from matting.curation.clues import CHANNELS
from matting.curation.critic import Critic
from matting.models.encoder import Encoder


class PhotoBackbone(nn.Module):
    """EfficientNet-Lite0 that sees the photo alone at first, and from a quarter of its size on all clues.

    Up to there it keeps the weights that it starts with: rendered photos lack details that ImageNet's have. A stem of
    its own sees all clues. It is added to the photo's features, from nothing at first, and trained with what follows.

    Args:
        pretrained: Start from ImageNet weights, see `matting.models.weights.load_pretrained_weights`.

    Attributes:
        channels: Channels of each level, finest first.
    """

    def __init__(self, pretrained: bool = False, width: int = 32) -> None:
        super().__init__()
        net: Any = Encoder("tf_efficientnet_lite0", pretrained).backbone
        *early, third, fourth, fifth, sixth, last = net.blocks
        self.photo = nn.Sequential(net.conv_stem, net.bn1, *early).requires_grad_(False)
        self.later = nn.ModuleList([third, nn.Sequential(fourth, fifth), nn.Sequential(sixth, last)])
        quarter, *deeper = net.feature_info.channels()[1:]
        self.channels = [2 * quarter, *deeper]
        self.stem = nn.Sequential(
            *(nn.Conv2d(CHANNELS, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(True)),
            *(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(True)),
            *(nn.Conv2d(width, quarter, 3, 2, 1, bias=False), joined := nn.BatchNorm2d(quarter)),
        )
        nn.init.zeros_(joined.weight)

    def train(self, mode: bool = True) -> Self:
        """Set the mode; the photo's own stages stay in evaluation mode, with their statistics."""
        super().train(mode)
        self.photo.eval()
        return self

    def forward(self, looks: Tensor) -> list[Tensor]:
        """Extract features: ``(B, channels[k], H / 2^(k+2), W / 2^(k+2))`` of each level k, sizes rounded up.

        Args:
            looks: ``(B, 10, H, W)`` float in [-2, 2].
        """
        photo, joined = self.photo(looks[:, :3] / 2), self.stem(looks)  # the photo in [-1, 1], as in pre-training
        levels, found = [torch.cat([photo, joined], dim=1)], photo + joined
        for stage in self.later:
            found = stage(found)
            levels.append(found)
        return levels


@cache
def load_critic(weights: Path) -> Critic:
    """Load a critic of ``train.py``, or one with the shipped architecture, in evaluation mode."""
    state = load_file(weights)
    if not any(name.startswith("backbone.photo.") for name in state):
        return critic.load_critic(weights)
    trained = Critic(PhotoBackbone())
    trained.load_state_dict(state)
    return trained.to(memory_format=torch.channels_last).eval()
