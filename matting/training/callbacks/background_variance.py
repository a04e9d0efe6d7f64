"""Measure during training how much alpha depends on the background, which scene-antagonistic pairs should reduce."""

from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from matting.batch import LayerBatch, TrainingBatch
from matting.data.dataset import collate
from matting.errors import MattingError
from matting.losses.weighting import label_free_weight
from matting.plan.plan import Draw
from matting.training.datamodule import MattingDataModule


def background_variance(alphas: Tensor, weight: Tensor) -> Tensor:
    """Compute the variance of a person's alpha over backgrounds, averaged over pixels.

    Args:
        alphas: ``(K, 1, H, W)`` in [0, 1]: one person in front of K >= 2 backgrounds.
        weight: ``(K, 1, H, W)``, non-negative, such as 1 in the unknown region; its mean over backgrounds is used.

    Returns:
        Scalar in [0, 0.25], the (biased) variance in units of alpha squared; 0 if no pixel has weight.
    """
    shared = weight.mean(dim=0)
    return (alphas.var(dim=0, correction=0) * shared).sum() / shared.sum().clamp_min(1e-6)


class BackgroundVariance(Callback):
    """Log `background_variance` of the same few people at every validation: whole image and unknown region.

    People are foreground layers of the training sources, and backgrounds are spread over all scenes. Nothing is
    degraded or random, so runs can be compared. The keys are ``pairing/whole/variance`` and
    ``pairing/unknown/variance``.

    Args:
        people: Number of people.
        backgrounds: Number of backgrounds for each person.

    Raises:
        MattingError: If there are no people or fewer than two backgrounds.
    """

    def __init__(self, people: int = 8, backgrounds: int = 4) -> None:
        if people < 1 or backgrounds < 2:
            raise MattingError(f"expected people >= 1 and backgrounds >= 2, found {people} and {backgrounds}")
        self.people, self.backgrounds = people, backgrounds

    @torch.no_grad()
    def on_validation_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Predict and log before the first batch, when averaged weights are in place in any order of callbacks."""
        if batch_idx or dataloader_idx:
            return
        data = trainer.datamodule  # type: ignore[attr-defined]
        if not isinstance(data, MattingDataModule):
            raise TypeError(f"BackgroundVariance: expected a MattingDataModule, found {type(data).__name__}")
        whole, unknown = [], []
        for person in layered_people(data, self.people):
            views = self._before_backgrounds(data, person, pl_module.device)
            alphas = pl_module.model(views.image).alpha  # type: ignore[operator]
            # Needs no labels, so people whose labels are withheld count as well.
            weight = label_free_weight(views.valid)
            whole.append(background_variance(alphas, weight))
            unknown.append(background_variance(alphas, weight * (views.trimap == 1)[:, None]))
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
    """Return source and item of up to ``count`` items with a foreground layer, spread evenly over all of them."""
    layered = [
        (index, item)
        for index, source in enumerate(data.corpus.sets.values())
        for item, entry in enumerate(source.items)
        if entry.layered
    ]
    return [layered[k * len(layered) // count] for k in range(count)] if len(layered) > count else layered
