"""Train the critic from ImageNet weights, in about 100 minutes on two cores.

    python experiments/curation/train.py

writes ``outputs/critic/critic.safetensors``. If it is stopped, the same command continues it, and the weights are the
same to the bit. Half of the clean crops of the last steps are hard negatives: taken where the critic had mistaken a
clean pair for a faulty one.
"""

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from backbone import PhotoBackbone
from lightning.pytorch import LightningModule, seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint
from safetensors.torch import save
from samples import HARDEST, Sample, Samples, hard_places, render_people
from torch import Tensor
from torch.utils.data import DataLoader

from matting.curation.critic import FAULTS, Critic, peaks
from matting.errors import MattingError
from matting.files import write_atomic
from matting.training.callbacks import RunProgress
from matting.training.trainer import build_trainer

PEOPLE = 5  # per batch; each appears twice, clean and with a fault
EPOCH = 100  # steps between two checkpoints
EASY = 0.6  # share of the steps without hard negatives
RATE, PRETRAINED_RATE = 2e-3, 5e-4  # peak learning rates: of what starts from random weights, and of ImageNet's


class Training(LightningModule):
    """The recipe: all that is random is a function of the seed and of the number of the step.

    Args:
        folder: Folder of the rendered people.
        options: ``people`` and ``searched`` of them for hard negatives, ``steps``, ``seed`` and ``workers``.
    """

    hard: Tensor

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        super().__init__()
        self.recipe = {name: getattr(options, name) for name in ("people", "searched", "steps", "seed")}
        self.folder, self.options, self.total_steps = folder, options, options.steps
        self.critic = Critic(PhotoBackbone(pretrained=True)).to(memory_format=torch.channels_last)
        # In the checkpoint, so that a run that continues does not search again.
        self.register_buffer("hard", torch.zeros(len(FAULTS), max(1, round(HARDEST * options.searched)), 3).long())

    def train_dataloader(self) -> DataLoader[Sample]:
        """Load the samples of the current epoch."""
        options, first = self.options, self.current_epoch * EPOCH
        if (begun := first >= EASY * options.steps) and not self.hard.any():
            critic = Critic(PhotoBackbone())
            critic.load_state_dict(self.critic.state_dict())
            places = hard_places(critic.eval(), self.folder, options.searched, options.workers)
            self.hard.copy_(torch.from_numpy(places))
        numbers = range(first * PEOPLE, (first + EPOCH) * PEOPLE)
        samples = Samples(
            self.folder, options.people, numbers, options.seed, self.hard.cpu().numpy() if begun else None
        )
        return DataLoader(
            samples, PEOPLE, num_workers=options.workers, collate_fn=_collate, generator=torch.Generator()
        )

    def training_step(self, batch: Sample, index: int) -> Tensor:
        """Compute the loss of a batch."""
        looks = (batch.image.float() / 255).contiguous(memory_format=torch.channels_last)
        return loss_of(self.critic(looks).float(), batch.errors.float() / 255)

    def configure_optimizers(self) -> Any:
        """Return AdamW with one cycle of the learning rate, slower for what is trained already."""
        pretrained = list(self.critic.backbone.later.parameters())
        others = [
            p for p in self.critic.parameters() if p.requires_grad and all(p is not other for other in pretrained)
        ]
        groups = [{"params": pretrained, "lr": PRETRAINED_RATE}, {"params": others, "lr": RATE}]
        optimizer = torch.optim.AdamW(groups, weight_decay=0.03)
        peaks = [PRETRAINED_RATE, RATE]
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, peaks, self.total_steps, pct_start=0.1)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Save the recipe along with the weights."""
        checkpoint["recipe"] = self.recipe

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse to continue another recipe."""
        if checkpoint["recipe"] != self.recipe:
            raise MattingError(
                f"{self.options.output}: expected a run with {self.recipe}, found {checkpoint['recipe']}; "
                "give its options, or another --output"
            )


def loss_of(maps: Tensor, errors: Tensor) -> Tensor:
    """Compute the binary cross-entropy of the cells and of each image's peaks.

    Args:
        maps: ``(B, K, h, w)`` logits.
        errors: ``(B, K, h, w)`` in [0, 1], the mean error of alpha in each cell.
    """
    wrong = (2 * errors).clamp(max=1)
    cells = F.binary_cross_entropy_with_logits(maps, wrong, reduction="none") * (1 + 4 * wrong)
    seen = F.avg_pool2d(errors, 5, 1).flatten(2).amax(dim=2)
    clear = ((seen < 0.004) | (seen > 0.12)).float()  # errors in between are neither a fault nor a clean example
    images = F.binary_cross_entropy_with_logits(peaks(maps), (seen > 0.12).float(), reduction="none") * clear
    return 10 * cells.mean() + 0.6 * images.mean()


def _collate(samples: list[Sample]) -> Sample:
    return Sample(*(torch.cat(parts) for parts in zip(*samples, strict=True)))


def train(options: argparse.Namespace) -> Path:
    """Render the people, train or continue, and return the file of the weights, in half precision."""
    folder = render_people(options.people, options.workers)
    seed_everything(options.seed, verbose=False)
    training = Training(folder, options)
    saving = ModelCheckpoint(options.output, "last", enable_version_counter=False, save_on_train_epoch_end=True)
    trainer = build_trainer(
        callbacks=[saving, RunProgress()],
        devices=1,  # the samples of a step are a function of its number
        max_epochs=options.steps // EPOCH,
        reload_dataloaders_every_n_epochs=1,  # each epoch has samples of its own
        gradient_clip_val=5.0,
        deterministic="warn",
        logger=False,
        enable_model_summary=False,
    )
    last = options.output / "last.ckpt"
    trainer.fit(training, ckpt_path=last if last.is_file() else None, weights_only=True)
    state = training.critic.state_dict().items()
    halves = {name: (value.half() if value.is_floating_point() else value).contiguous() for name, value in state}
    write_atomic(weights := options.output / "critic.safetensors", save(halves))
    return weights


def main(arguments: list[str] | None = None) -> None:
    """Train the critic."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=2400, help="people rendered")
    parser.add_argument("--searched", type=int, default=900, help="of these searched for hard negatives")
    parser.add_argument("--steps", type=int, default=4000, help=f"steps of {PEOPLE} people each")
    parser.add_argument("--seed", type=int, default=0, help="seed of the weights and the samples")
    parser.add_argument("--workers", type=int, default=2, help="processes that render and load")
    parser.add_argument("--output", type=Path, default=Path("outputs/critic"))
    options = parser.parse_args(arguments)
    if options.steps % EPOCH or not 0 < options.searched <= options.people:
        parser.error(f"expected a multiple of {EPOCH} --steps, and at most as many people --searched as --people")
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    try:
        print(train(options))
    except MattingError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
