"""The claim of scene-antagonistic pairs, measured while training: does alpha depend on the background?"""

from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from matting.batch import LayerBatch, TrainingBatch
from matting.data.dataset import collate
from matting.errors import MattingError
from matting.plan.plan import Draw
from matting.training.datamodule import MattingDataModule


def background_variance(alphas: Tensor, weight: Tensor) -> Tensor:
    """Variance of a person's alpha over backgrounds, averaged over pixels.

    Args:
        alphas: ``(K, 1, H, W)`` in [0, 1]: one person before K >= 2 backgrounds.
        weight: ``(K, 1, H, W)``, non-negative, such as 1 in the unknown region; the mean over backgrounds counts.

    Returns:
        Scalar in [0, 0.25], the (biased) variance in units of alpha squared; 0 where no pixel counts.
    """
    shared = weight.mean(dim=0)
    return (alphas.var(dim=0, correction=0) * shared).sum() / shared.sum().clamp_min(1e-6)


class BackgroundVariance(Callback):
    """Logs `background_variance` of the same few people at every validation: whole image and unknown region.

    People are foreground layers of the training sources, backgrounds are spread over all scenes; nothing is degraded
    and nothing is random, so that runs can be compared. Logged as ``pairing/whole/variance`` and
    ``pairing/unknown/variance``.

    Args:
        people: Number of people.
        backgrounds: Number of backgrounds of each.

    Raises:
        MattingError: If there is nobody, or a single background.
    """

    def __init__(self, people: int = 8, backgrounds: int = 4) -> None:
        if people < 1 or backgrounds < 2:
            raise MattingError(f"expected people >= 1 and backgrounds >= 2, found {people} and {backgrounds}")
        self.people, self.backgrounds = people, backgrounds

    @torch.no_grad()
    def on_validation_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Predict and log before the first batch: averaged weights are in place then, in any order of callbacks."""
        if batch_idx or dataloader_idx:
            return
        data = trainer.datamodule  # type: ignore[attr-defined]
        if not isinstance(data, MattingDataModule):
            raise TypeError(f"BackgroundVariance: expected a MattingDataModule, found {type(data).__name__}")
        whole, unknown = [], []
        for person in layered_people(data, self.people):
            views = self._before_backgrounds(data, person, pl_module.device)
            alphas = pl_module.model(views.image).alpha  # type: ignore[operator]
            whole.append(background_variance(alphas, views.valid))
            unknown.append(background_variance(alphas, views.valid * (views.trimap == 1)[:, None]))
        for region, variances in (("whole", whole), ("unknown", unknown)):
            if variances:
                pl_module.log(f"pairing/{region}/variance", torch.stack(variances).mean(), batch_size=1, sync_dist=True)

    def _before_backgrounds(
        self, data: MattingDataModule, person: tuple[int, int], device: torch.device
    ) -> TrainingBatch:
        source, item = person
        scenes = [k * len(data.corpus.scenes) // self.backgrounds for k in range(self.backgrounds)]
        draws = [Draw(source, item, scene, seed=item, view=0, severity=0.0, pair=-1) for scene in scenes]
        layers = collate([data.dataset[draw] for draw in draws])
        prepared: TrainingBatch = data.plain(LayerBatch(*(layer.to(device) for layer in layers)))
        return prepared


def layered_people(data: MattingDataModule, count: int) -> list[tuple[int, int]]:
    """Source and item of up to ``count`` items with a foreground layer, evenly over all of them."""
    layered = [
        (index, item)
        for index, source in enumerate(data.corpus.sets.values())
        for item, entry in enumerate(source.items)
        if entry.layered
    ]
    return [layered[k * len(layered) // count] for k in range(count)] if len(layered) > count else layered
