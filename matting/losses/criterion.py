"""The criterion: named terms, their weights, their sum."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from matting.batch import TrainingBatch
from matting.errors import MattingError
from matting.models import MattingOutput


class Term(Protocol):
    """A loss term: a module that maps what the network predicts and what is true to a scalar."""

    def __call__(self, outputs: Sequence[MattingOutput], batch: TrainingBatch) -> Tensor:
        """Compute the loss of a batch, a scalar.

        Args:
            outputs: What the network predicts for the images, then for each of their mixed views, mostly none.
            batch: What is true.
        """


class Criterion(nn.Module):
    """A weighted sum of named terms, computed in float32 under any mixed precision.

    Args:
        terms: Loss terms by name.
        weights: Weight of each term; a term with weight 0 is left out and costs nothing.

    Raises:
        MattingError: If names of terms and weights differ, a weight is negative, or none is positive.

    Example:
        >>> from matting.losses import AlphaL1, Gradient
        >>> criterion = Criterion({"l1": AlphaL1(unknown=2.0), "edges": Gradient()}, {"l1": 1.0, "edges": 0.0})
        >>> list(criterion.terms)
        ['l1']
    """

    def __init__(self, terms: Mapping[str, nn.Module], weights: Mapping[str, float]) -> None:
        super().__init__()
        if terms.keys() != weights.keys():
            raise MattingError(
                f"loss: expected a weight for each term, found terms {sorted(terms)} and weights {sorted(weights)}"
            )
        if not weights or min(weights.values()) < 0 or not any(weights.values()):
            raise MattingError(f"loss.weights: expected weights >= 0 with one above 0, found {dict(weights)}")
        self.weights = {name: weight for name, weight in weights.items() if weight > 0}
        self.terms = nn.ModuleDict({name: terms[name] for name in self.weights})

    def forward(self, outputs: Sequence[MattingOutput], batch: TrainingBatch) -> dict[str, Tensor]:
        """Evaluate.

        Args:
            outputs: What the network predicts for the images, and for each of their mixed views.
            batch: What is true.

        Returns:
            The unweighted scalar of each term by its name, and their weighted sum as ``loss``.
        """
        # Autocast would run the terms' products in half precision, where errors below 1/256 are lost.
        with torch.autocast(batch.alpha.device.type, enabled=False):
            precise = [_precise(output) for output in outputs]
            values: dict[str, Tensor] = {name: term(precise, batch) for name, term in self.terms.items()}
            total = torch.stack([weight * values[name] for name, weight in self.weights.items()]).sum()
        return values | {"loss": total + _nothing(precise[0])}


def _precise(output: MattingOutput) -> MattingOutput:
    return MattingOutput(*(part.to(torch.promote_types(part.dtype, torch.float32)) for part in output))


def _nothing(output: MattingOutput) -> Tensor:
    """Zero, whatever the output holds, that still reaches every head.

    A head without a loss of its own gets a gradient of zeros from it: DistributedDataParallel waits for a gradient of
    every parameter, and stops at the second step if one has none.
    """
    return sum((part[:0].sum() for part in output), output.alpha.new_zeros(()))
