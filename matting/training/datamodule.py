"""The datamodule: planned batches for training, fixed images for validation, and the device pipeline for both."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from matting.augment import Pipeline
from matting.batch import LayerBatch, TrainingBatch
from matting.data.corpora import Corpus
from matting.data.dataset import Crop, DrawDataset, collate
from matting.data.loader import PlanBatches, PlanLoader, start_method
from matting.plan.plan import Draw
from matting.plan.schedule import Schedule
from matting.training.checks import check_even_batch


class MattingDataModule(LightningDataModule):
    """Load the batches that the schedule plans.

    Args:
        corpus: Training sources, validation sources and backgrounds.
        schedule: Plans of the run's epochs.
        augment: Device pipeline of training; its ``size`` is the side of the network's input in pixels.
        batch_size: Rows per batch and process; must be even if there is pairing.
        crop_size: Side in pixels of the square crops from the workers; at least the pipeline's size, which leaves a
            margin for the warp.
        min_crop: Smallest training crop as a share of an image's long side.
        workers: Worker processes of each loader; the result does not depend on their number.
        origin: What the plan depends on, in plain values; kept in checkpoints for `matting.training.guard`.

    Raises:
        MattingError: If there is pairing and the batch size is odd, which would split pairs.
    """

    def __init__(
        self,
        corpus: Corpus,
        schedule: Schedule,
        augment: Pipeline,
        batch_size: int,
        crop_size: int,
        min_crop: float,
        workers: int,
        origin: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        check_even_batch(batch_size, schedule.pairing.fraction)
        self.corpus, self.schedule, self.origin = corpus, schedule, origin
        self.augment, self.plain = augment, Pipeline.plain(augment.size)
        self.batch_size, self.workers = batch_size, workers
        self._loader: PlanLoader | None = None
        self._position: dict[str, int] | None = None
        self.margin = crop_size / augment.size
        self.dataset = DrawDataset(corpus.sets, corpus.scenes, augment.size, self.margin, min_crop, corpus.quarantine)

    def train_dataloader(self) -> PlanLoader:
        """Return the planned batches of this rank, from the current position of the run."""
        trainer = self.trainer
        batches = PlanBatches(
            self.schedule.plan,
            self.schedule.length.batches,
            self.batch_size,
            rank=trainer.global_rank if trainer else 0,
            world_size=trainer.world_size if trainer else 1,
        )
        self._loader = PlanLoader(self.dataset, batches, self.workers, pin_memory=torch.cuda.is_available())
        if self._position is not None:
            self._loader.load_state_dict(self._position)
        return self._loader

    def drawn(self) -> tuple[int, int]:
        """Return the epoch of the last batch that training received, and the rows of it that were drawn so far.

        Raises:
            RuntimeError: If training has not begun.
        """
        if self._loader is None:
            raise RuntimeError("expected a training loader; call this during training")
        return self._loader.batches.drawn()

    def state_dict(self) -> dict[str, Any]:
        """Return the position in the run, and what its plan depends on.

        Lightning also saves the loader's state, but does not restore it from a checkpoint written at the end of an
        epoch; it always restores the datamodule's.
        """
        return {"position": None if self._loader is None else self._loader.state_dict(), "origin": self.origin}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Resume from a saved position."""
        self._position = state_dict["position"]

    def val_dataloader(self) -> DataLoader[Crop] | list[DataLoader[Crop]]:
        """Return all validation images, uncropped and stretched to a square so that they can be batched.

        Validation only monitors the run; the test uses the predictor, which keeps proportions. Each rank validates all
        images: shares of unequal length would hang in the broadcast of buffers, and padding would bias the means.
        """
        sources = self.corpus.validation
        if not sources:
            return []  # a small set of one's own may have no images to spare
        # The whole image, at the size of the network: no margin, since nothing is warped.
        dataset = DrawDataset(sources, self.corpus.scenes, self.augment.size, min_crop=1.0)
        make = partial(Draw, view=0, severity=0.0, pair=-1)
        # Fixed seeds and backgrounds, so that the scores of all epochs are of the same images.
        draws = [
            make(source=number, item=k, seed=k, scene=-1 if item.photo else k % len(self.corpus.scenes))
            for number, source in enumerate(sources.values())
            for k, item in enumerate(source.items)
        ]
        return DataLoader(
            dataset,
            batch_size=self.batch_size,
            sampler=draws,
            collate_fn=collate,
            num_workers=self.workers,
            multiprocessing_context=start_method(self.workers),
            pin_memory=torch.cuda.is_available(),
            # Its own, as in `PlanLoader`: the loader would take a seed from the global generator each time.
            generator=torch.Generator(),
        )

    def on_after_batch_transfer(self, batch: LayerBatch, dataloader_idx: int) -> TrainingBatch:
        """Compose, warp and degrade the batch and compute its trimap, on the device."""
        if self.trainer is not None and self.trainer.training:
            # The size of the stage is derived from the batch: the loader may be an epoch ahead of the trainer.
            prepared: TrainingBatch = self.augment(batch, round(batch.foreground.shape[-1] / self.margin))
        else:
            prepared = self.plain(batch)
        return prepared
