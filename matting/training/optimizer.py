"""Optimiser settings: AdamW with a linear warm-up and a cosine decay."""

from dataclasses import dataclass
from math import cos, pi
from typing import Any

from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR


@dataclass(frozen=True)
class OptimizerSettings:
    """AdamW (Loshchilov & Hutter 2019) with warm-up and cosine decay to a fraction of the peak.

    Attributes:
        lr: Peak learning rate.
        weight_decay: Decoupled weight decay of weights; norms and biases have none.
        warmup: Share of the run's steps over which the rate rises linearly from near 0.
        final: Rate at the last step, as a share of the peak.
        encoder_factor: Factor on the encoder's learning rate.
    """

    lr: float = 1e-3
    weight_decay: float = 1e-2
    warmup: float = 0.05
    final: float = 0.01
    encoder_factor: float = 1.0

    def build(self, model: nn.Module, total_steps: int) -> dict[str, Any]:
        """Optimiser and per-step schedule, as Lightning's ``configure_optimizers`` returns them.

        Args:
            model: Network with an ``encoder``.
            total_steps: Optimiser steps of the run.
        """
        optimizer = AdamW(self._groups(model), lr=self.lr, weight_decay=self.weight_decay)
        warmup = max(1, round(self.warmup * total_steps))

        def factor(step: int) -> float:
            if step < warmup:
                return (step + 1) / warmup
            progress = min(1.0, (step - warmup) / max(1, total_steps - warmup))
            return self.final + (1 - self.final) * (1 + cos(pi * progress)) / 2

        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": LambdaLR(optimizer, factor), "interval": "step"}}

    def _groups(self, model: nn.Module) -> list[dict[str, Any]]:
        groups = []
        for is_encoder in (False, True):
            for is_matrix in (True, False):
                parameters = [
                    parameter
                    for name, parameter in model.named_parameters()
                    if name.startswith("encoder.") == is_encoder and (parameter.ndim > 1) == is_matrix
                ]
                lr = self.lr * (self.encoder_factor if is_encoder else 1.0)
                decay = self.weight_decay if is_matrix else 0.0
                groups.append({"params": parameters, "lr": lr, "weight_decay": decay})
        return [group for group in groups if group["params"]]
