"""The criterion: the weighted sum of named loss terms."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from matting.batch import TrainingBatch
from matting.errors import MattingError
from matting.models import MattingOutput


class Term(Protocol):
    """A loss term: a module that maps the network's outputs and the batch to a scalar."""

    def __call__(self, outputs: Sequence[MattingOutput], batch: TrainingBatch) -> Tensor:
        """Compute the loss of a batch, a scalar.

        Args:
            outputs: Outputs of the network for the images, then for each of their mixed views, if there are any.
            batch: The batch, with the true alpha, trimap and layers.
        """


class Criterion(nn.Module):
    """A weighted sum of named terms, computed in float32 under any mixed precision.

    Args:
        terms: Loss terms by name.
        weights: Weight of each term; a term with weight 0 is dropped and costs no time.

    Raises:
        MattingError: If the names of terms and weights differ, a weight is negative, or none is positive.

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
        """Compute all terms and their weighted sum.

        Args:
            outputs: Outputs of the network for the images, then for each of their mixed views.
            batch: The batch, with the true alpha, trimap and layers.

        Returns:
            The unweighted scalar of each term by name, and the weighted sum as ``loss``.
        """
        # Autocast would run products in half precision, where differences below 1/256 are lost.
        with torch.autocast(batch.alpha.device.type, enabled=False):
            precise = [_as_float32(output) for output in outputs]
            values: dict[str, Tensor] = {name: term(precise, batch) for name, term in self.terms.items()}
            total = torch.stack([weight * values[name] for name, weight in self.weights.items()]).sum()
        return values | {"loss": total + _connected_zero(precise[0])}


def _as_float32(output: MattingOutput) -> MattingOutput:
    return MattingOutput(*(part.to(torch.promote_types(part.dtype, torch.float32)) for part in output))


def _connected_zero(output: MattingOutput) -> Tensor:
    """Return a zero that depends on every head, even where the output is not finite.

    It gives a head without a loss of its own a gradient of zeros: DistributedDataParallel waits for a gradient of every
    parameter, and raises at the second step if one has none.
    """
    # An empty sum, not `0 * part`: 0 times infinity is NaN.
    return sum((part[:0].sum() for part in output), output.alpha.new_zeros(()))
