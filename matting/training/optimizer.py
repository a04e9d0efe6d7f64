"""Optimiser settings: AdamW with linear warm-up and cosine decay; the encoder can be slower or frozen at first."""

from dataclasses import dataclass
from math import cos, pi
from typing import Any

from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from matting.errors import MattingError


@dataclass(frozen=True)
class OptimizerSettings:
    """AdamW (Loshchilov & Hutter 2019) with warm-up and cosine decay to a fraction of the peak.

    Attributes:
        lr: Peak learning rate.
        weight_decay: Decoupled weight decay of weights; norms and biases have none.
        warmup: Share of the run's steps in which the rate rises linearly to its peak.
        final_lr_ratio: Rate at the last step, as a share of the peak.
        encoder_lr_mult: Factor on the encoder's learning rate.
        encoder_freeze: Share of the run's steps, from the first, in which the encoder is frozen: its rate is 0 and its
            normalisation statistics are fixed. It still gets gradients, so that DistributedDataParallel, which waits
            for those of all parameters, needs no change.

    Raises:
        MattingError: If a share is outside [0, 1], or a rate is negative.
    """

    lr: float = 1e-3
    weight_decay: float = 1e-2
    warmup: float = 0.05
    final_lr_ratio: float = 0.01
    encoder_lr_mult: float = 1.0
    encoder_freeze: float = 0.0

    def __post_init__(self) -> None:
        for name in ("warmup", "final_lr_ratio", "encoder_freeze"):
            if not 0 <= getattr(self, name) <= 1:
                raise MattingError(f"optimizer.{name}: expected a share in [0, 1], found {getattr(self, name)}")
        for name in ("lr", "weight_decay", "encoder_lr_mult"):
            if getattr(self, name) < 0:
                raise MattingError(f"optimizer.{name}: expected a number >= 0, found {getattr(self, name)}")

    def build(self, model: nn.Module, total_steps: int) -> dict[str, Any]:
        """Build the optimiser and the per-step schedule.

        Args:
            model: Network with an ``encoder``.
            total_steps: Optimiser steps of the run.

        Returns:
            A dict in the form of Lightning's ``configure_optimizers``.
        """
        frozen = self.frozen_steps(total_steps)
        groups = self._groups(model)
        optimizer = AdamW(groups, lr=self.lr, weight_decay=self.weight_decay)

        def others(step: int) -> float:
            return self.rate(step, total_steps)

        def encoder(step: int) -> float:
            return self.rate(step, total_steps) if step >= frozen else 0.0

        schedule = LambdaLR(optimizer, [encoder if group["is_encoder"] else others for group in groups])
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def reapply(self, schedule: LambdaLR) -> None:
        """Set the rates and decays of these settings again, after a checkpoint has restored those of its run.

        Args:
            schedule: A schedule from `build`, at any step.
        """
        for number, group in enumerate(schedule.optimizer.param_groups):
            group |= self._hyper_parameters(group["is_encoder"], group["params"][0].ndim > 1)
            # The peak is in two places, in the group and in the schedule, and the rate of the present step in two more.
            group["initial_lr"] = schedule.base_lrs[number] = group["lr"]
            group["lr"] = group["initial_lr"] * schedule.lr_lambdas[number](schedule.last_epoch)
            schedule._last_lr[number] = group["lr"]

    def rate(self, step: int, total_steps: int) -> float:
        """Return the learning rate of a zero-based step as a share of the peak."""
        warmup = max(1, round(self.warmup * total_steps))
        if step < warmup:
            # Not from 0: the first step would change nothing.
            return (step + 1) / warmup
        # From the last step of the warm-up, which has the peak, to the last of the run.
        progress = min(1.0, (step + 1 - warmup) / max(1, total_steps - warmup))
        return self.final_lr_ratio + (1 - self.final_lr_ratio) * (1 + cos(pi * progress)) / 2

    def frozen_steps(self, total_steps: int) -> int:
        """Return the number of steps in which the encoder is frozen."""
        return round(self.encoder_freeze * total_steps)

    def _groups(self, model: nn.Module) -> list[dict[str, Any]]:
        groups = []
        for is_encoder in (False, True):
            for is_matrix in (True, False):
                parameters = [
                    parameter
                    for name, parameter in model.named_parameters()
                    # Norms and biases are vectors; kernels have more dimensions.
                    if name.startswith("encoder.") == is_encoder and (parameter.ndim > 1) == is_matrix
                ]
                numbers = self._hyper_parameters(is_encoder, is_matrix)
                groups.append({"params": parameters, "is_encoder": is_encoder} | numbers)
        return [group for group in groups if group["params"]]

    def _hyper_parameters(self, is_encoder: bool, is_matrix: bool) -> dict[str, float]:
        lr = self.lr * (self.encoder_lr_mult if is_encoder else 1.0)
        return {"lr": lr, "weight_decay": self.weight_decay if is_matrix else 0.0}
