import numpy as np
import pytest
import torch
import torch.nn.functional as F

from matting.augment import compose, trimap_labels
from matting.batch import TrainingBatch
from matting.models import MattingOutput

ROWS, SIDE = 4, 64


def matte(rows=ROWS, side=SIDE, seed=0):
    """Soft-rimmed discs in 8 bits, ``(rows, 1, side, side)`` float64: mostly definite, as real mattes are."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    discs = [
        (random.uniform(0.2, 0.4) * side - np.hypot(y - cy, x - cx)) / 3 + 0.5
        for cy, cx in random.uniform(0.35 * side, 0.65 * side, (rows, 2))
    ]
    return torch.from_numpy(np.rint(np.clip(np.stack(discs), 0, 1) * 255) / 255)[:, None]


@pytest.fixture
def batch():
    """Two pairs: rows 0 and 1 are one person in front of two backgrounds, rows 2 and 3 another."""
    generator = torch.Generator().manual_seed(0)
    alpha = matte()[[0, 0, 2, 2]]
    foreground, background = torch.rand(2, ROWS, 3, SIDE, SIDE, generator=generator, dtype=torch.float64).unbind(0)
    valid = torch.ones_like(alpha)
    valid[:, :, :8, :20] = 0
    return TrainingBatch(
        image=compose(foreground, background, alpha),
        views=torch.zeros(ROWS, 0, 3, SIDE, SIDE),
        alpha=alpha,
        trimap=trimap_labels(alpha, torch.tensor([3, 3, 6, 6])),
        foreground=foreground,
        background=background,
        valid=valid,
        pair=torch.tensor([0, 0, 1, 1]),
        person=torch.tensor([5, 5, 7, 7]),
        scene=torch.tensor([0, 1, 0, 2]),
    )


@pytest.fixture
def guess():
    """A wrong prediction, with gradients."""
    generator = torch.Generator().manual_seed(1)
    numbers = [
        torch.rand(ROWS, channels, side, side, generator=generator, dtype=torch.float64)
        for channels, side in ((1, SIDE), (3, SIDE), (6, SIDE // 8))
    ]
    return MattingOutput(*(number.requires_grad_() for number in numbers))


@pytest.fixture
def perfect(batch):
    """The truth, in the form of the network's output."""
    logits = 40.0 * F.one_hot(batch.trimap, 3).permute(0, 3, 1, 2).to(torch.float64)
    return MattingOutput(batch.alpha.clone(), logits, torch.rand(ROWS, 6, SIDE // 8, SIDE // 8, dtype=torch.float64))
