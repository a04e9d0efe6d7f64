"""A small layer batch: a soft disc with hair-like rays on a textured background, rendered by arithmetic."""

import pytest
import torch

from matting.augment import augmix, degradation
from matting.batch import LayerBatch


def make_batch(rows: int = 4, side: int = 48, severity: float = 0.0) -> LayerBatch:
    axis = torch.linspace(-1, 1, side)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    radius, angle = torch.hypot(x, y), torch.atan2(y, x)
    alpha = ((0.6 + 0.05 * torch.cos(12 * angle) - radius) * 8 + 0.5).clamp(0, 1)
    foreground = torch.stack([0.7 + 0.2 * x, 0.5 + 0.2 * y, 0.4 + 0.1 * x * y])
    background = torch.stack([0.5 + 0.4 * torch.sin(9 * x), 0.5 + 0.4 * torch.cos(7 * y), 0.5 + 0.3 * x])
    level = lambda layer: (layer * 255).round().to(torch.uint8).expand(rows, -1, -1, -1).contiguous()  # noqa: E731
    ids = torch.arange(rows)
    return LayerBatch(
        foreground=level(foreground),
        background=level(background),
        alpha=level(alpha[None]),
        ignore=torch.zeros(rows, 1, side, side, dtype=torch.uint8),
        seed=ids * 1000 + 7,
        view=torch.zeros(rows, dtype=torch.int64),
        severity=torch.full((rows,), severity),
        pair=torch.full((rows,), -1),
        person=ids.clone(),
        scene=ids.clone(),
    )


@pytest.fixture
def layer_batch() -> LayerBatch:
    return make_batch()


@pytest.fixture
def uncounted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the CPU take the way of a device that would have to be waited for."""
    monkeypatch.setattr(degradation, "COUNTS_ROWS", set())
    monkeypatch.setattr(augmix, "COUNTS_ROWS", set())
