"""AugMix (Hendrycks et al., ICLR 2020) for matting: photometric chains only, mixed as published, batched.

Mixing differently warped images has no single alpha, so the five geometric operations of the paper stay out and the
default set is the article's: noise, JPEG, motion blur, colour.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from matting.augment.degradation import COUNTS_ROWS, Degradation, LayeredImage, select
from matting.augment.operations import Operation, colour_jitter, gaussian_noise, jpeg_artefacts, motion_blur
from matting.augment.randomness import Keys, Stream, between, dirichlet, fold, uniform
from matting.errors import MattingError

ARTICLE_OPERATIONS: tuple[Operation, ...] = (gaussian_noise, jpeg_artefacts, motion_blur, colour_jitter)
_DEEPEST = 3


class AugMix(Degradation):
    """Mix an image with several chains of distortions of itself.

    On a GPU only the device knows which rows chose an operation, and gathering just those would make the host wait
    for their number. Therefore the chains of a row draw their operations *without* replacement at each depth: every
    operation then works for at most one chain of a row, is gathered from a fixed number of rows and runs once per
    depth on ``B`` of them, not on ``B * width``. The four default operations cost 12 runs per batch, where
    running each on everything and selecting would cost 36. On a CPU, which need not wait, just the 6 runs that the
    chains ask for are made. Each chain by itself is distributed as published; chains of one row just do not repeat
    each other at the same depth.

    Args:
        operations: what the chains are made of, see :mod:`matting.augment.operations`.
        width: number of chains, at most the number of operations.
        depth: operations per chain; -1 draws 1, 2 or 3 for each chain, as published.
        severity: the strongest level of ten that a row of severity 1 draws (published: 3 for CIFAR, 1 for ImageNet);
            levels are uniform on [0.1, severity].
        concentration: of the Dirichlet weights of the chains and of the Beta weight of their mixture (published: 1).
        p, same_on_batch, keepdim: see :class:`~matting.augment.degradation.Degradation`.

    Raises:
        MattingError: for a width, depth, severity or ``p`` outside of what is said above.
    """

    stream = Stream.AUGMIX

    def __init__(
        self,
        operations: Sequence[Operation] = ARTICLE_OPERATIONS,
        width: int = 3,
        depth: int = -1,
        severity: float = 3.0,
        concentration: float = 1.0,
        p: float = 1.0,
        same_on_batch: bool = False,
        keepdim: bool = False,
    ) -> None:
        super().__init__(p, same_on_batch, keepdim)
        if not 1 <= width <= len(operations):
            raise MattingError(f"expected 1 <= width <= {len(operations)} operations, found width={width}")
        if depth != -1 and depth < 1:
            raise MattingError(f"expected a depth >= 1, or -1 to draw it, found depth={depth}")
        if not 0.1 <= severity <= 10:
            raise MattingError(f"expected 0.1 <= severity <= 10, found severity={severity}")
        self.operations, self.width, self.depth = tuple(operations), width, depth
        self.severity, self.concentration = severity, concentration

    def degrade(self, layers: LayeredImage, keys: Keys, severity: Tensor) -> LayeredImage:
        """Mix the image of each row; see :meth:`Degradation.degrade`."""
        return layers._replace(image=self.mix(layers.image, keys.appearance, severity))

    def views(self, image: Tensor, appearance: Tensor, count: int) -> Tensor:
        """Mix every image ``count`` times at full strength, for a consistency loss.

        The published consistency (Hendrycks et al. 2020) compares an image with two mixed ones. AugMix moves nothing,
        so alpha and trimap hold for every view.

        Args:
            image: ``(B, 3, H, W)`` float32 in [0, 1].
            appearance: ``(B,)`` int64 keys; equal keys and images give equal views.
            count: number of views.

        Returns:
            ``(B, count, 3, H, W)`` float32 in [0, 1].
        """
        key, strength = fold(appearance, Stream.CONSISTENCY), torch.ones_like(appearance, dtype=torch.float32)
        mixed = [self.mix(image, fold(key, index), strength) for index in range(count)]
        return torch.stack(mixed, dim=1) if mixed else image[:, None][:, :0]

    def mix(self, image: Tensor, key: Tensor, severity: Tensor) -> Tensor:
        """Distort a batch.

        Args:
            image: ``(B, 3, H, W)`` float32 in [0, 1].
            key: ``(B,)`` int64, the rows' appearance.
            severity: ``(B,)`` float32 in [0, 1], scales every level of its row; 0 returns the row bit for bit.

        Returns:
            ``(B, 3, H, W)`` float32 in [0, 1]: (1 - m) image + m sum_i w_i chain_i(image).
        """
        key = fold(key, Stream.AUGMIX)
        chains = self._chains(image, key, severity)
        weights = dirichlet(fold(key, 1), self.concentration, self.width)
        mixture = torch.einsum("bn,bnchw->bchw", weights, chains)
        share = dirichlet(fold(key, 2), self.concentration, 2)[:, 0]  # Beta(a, a) is a Dirichlet of two
        mixed = torch.lerp(image, mixture, share[:, None, None, None]).clamp_(0, 1)
        return select(severity > 0, mixed, image)

    def _chains(self, image: Tensor, key: Tensor, severity: Tensor) -> Tensor:
        """``(B, width, 3, H, W)``: the image at the end of each chain."""
        chains = image[:, None].repeat(1, self.width + 1, 1, 1, 1)  # the last is for operations that no chain asks for
        length = self._lengths(fold(key, 0))
        for depth in range(_DEEPEST if self.depth == -1 else self.depth):
            step = fold(fold(key, 3), depth)
            # the order of random numbers is a random permutation, of which each chain takes one place
            chosen = uniform(fold(step, 0), len(self.operations)).argsort(dim=1)[:, : self.width]
            for index, operation in enumerate(self.operations):
                own = fold(step, index + 1)
                rows, chain = _taken((chosen == index) & (depth < length))
                if len(rows):
                    strength = severity * between(fold(own, 0), 0.1, self.severity) / 10
                    chains[rows, chain] = operation(chains[rows, chain], strength[rows], fold(own, 1)[rows])
        return chains[:, : self.width]

    def _lengths(self, key: Tensor) -> Tensor:
        """``(B, width)`` operations in each chain."""
        if self.depth != -1:
            return torch.full((len(key), self.width), self.depth, device=key.device)
        return 1 + (_DEEPEST * uniform(key, self.width)).long()


def _taken(takes: Tensor) -> tuple[Tensor, Tensor]:
    """Return rows and chains that take an operation, of ``(B, width)`` bool with at most one chain in a row."""
    if takes.device.type in COUNTS_ROWS:
        rows, chain = takes.nonzero(as_tuple=True)
        return rows, chain
    # argmax finds the chain that takes the operation, or the spare one that the padding marks
    chain = F.pad(takes.to(torch.uint8), (0, 1), value=1).argmax(dim=1)
    return torch.arange(len(takes), device=takes.device), chain
