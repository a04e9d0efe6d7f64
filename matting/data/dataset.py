"""Decode rows of the plan to square uint8 layers and stack them to batches. Stateless: the row determines it all."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from matting.batch import LayerBatch
from matting.data.crop import choose_box, resize
from matting.data.formats.base import Item, Layers, Source
from matting.data.formats.quarantine import ATTEMPTS, BACKGROUNDS, record, substitute_scenes, substitutes
from matting.data.scenes import Scenes
from matting.errors import MattingError
from matting.plan.plan import Draw


class Crop(NamedTuple):
    """Square layers of one draw, before they are stacked: colours ``(S, S, 3)``, others ``(S, S)``, uint8.

    ``person`` is a hash of the identity of who is shown.
    """

    foreground: NDArray[np.uint8]
    background: NDArray[np.uint8]
    alpha: NDArray[np.uint8]
    ignore: NDArray[np.uint8]
    person: int
    draw: Draw


@dataclass(frozen=True)
class DrawDataset(Dataset[Crop]):
    """Decodes and crops draws.

    Attributes:
        sources: Sources by full name, in the order in which the plan indexes them.
        scenes: Backgrounds.
        size: Side of the network's images in pixels, where a draw does not name its own.
        margin: Side of the delivered squares as a multiple of the network's: a border for the warp to rotate into view.
        min_crop: Smallest crop as a share of an image's long side; 1 keeps the whole image, stretched to a square.
        quarantine: CSV file that lists files that cannot be read; another item of the same kind, or another background,
            is drawn instead, so that the mixture stays as planned. None raises an error.
    """

    sources: Mapping[str, Source]
    scenes: Scenes
    size: int
    margin: float = 1.0
    min_crop: float = 0.5
    quarantine: Path | None = None

    def __getitem__(self, draw: Draw) -> Crop:
        """Decode one draw; the result is a function of the row alone."""
        side = round((draw.size or self.size) * self.margin)
        draw, layers = self._read_item(draw, side)
        foreground, alpha = resize(layers.foreground, side), resize(layers.alpha, side)
        if draw.scene >= 0:
            draw, background = self._read_scene(draw, side)
        elif layers.background is layers.foreground:
            background = foreground  # a photo as it is, resized once
        elif layers.background is not None:
            background = resize(layers.background, side)
        else:
            raise ValueError(f"draw {draw}: the item has no background of its own; plan a scene for it")
        ignore = np.zeros_like(alpha)
        if layers.ignore is not None:  # a pixel that is partly ignored is ignored
            ignore = (resize(layers.ignore.astype(np.uint8) * 255, side) > 0).astype(np.uint8)
        name, source = list(self.sources.items())[draw.source]
        item = source.items[draw.item]
        return Crop(foreground, background, alpha, ignore, _number(item.identity or f"{name}/{item.name}"), draw)

    def _read_item(self, draw: Draw, side: int) -> tuple[Draw, Layers]:
        """Read the layers of a draw, or of its substitute, which is returned as well."""
        name, source = list(self.sources.items())[draw.source]
        for item in chain([draw.item], substitutes(source, draw.item, draw.seed)):
            for way in self._ways(draw._replace(item=item), source.items[item]):
                try:
                    return way, self._layers(way, source, side)
                except (MattingError, OSError) as error:
                    # Any other error is a bug and ends the run.
                    if self.quarantine is None:
                        raise
                    record(self.quarantine, name, source.items[item].name, str(error))
        raise MattingError(f"no item of '{name}' like '{source.items[draw.item].name}' can be read; verify the set")

    def _ways(self, draw: Draw, item: Item) -> Iterator[Draw]:
        """List the ways to show an item: as planned and, in a pair, from the file of the other view.

        The views are decoded apart and see only their own file, photo or foreground layer. Both leave the item only if
        neither file can be read, and so agree on the person.
        """
        yield draw
        if draw.pair >= 0 and item.layered and item.photo:
            scene = -1 if draw.scene >= 0 else next(substitute_scenes(len(self.scenes), -1, draw.seed, draw.view))
            yield draw._replace(scene=scene)

    def _layers(self, draw: Draw, source: Source, side: int) -> Layers:
        # Views of a pair share the geometry.
        geometry = np.random.default_rng([draw.seed, 0])
        look = partial(choose_box, rng=geometry, smallest=self.min_crop) if self.min_crop < 1 else None
        return source.layers(draw.item, recomposed=draw.scene >= 0, look=look, smallest_side=side)

    def _read_scene(self, draw: Draw, side: int) -> tuple[Draw, NDArray[np.uint8]]:
        """Read the scene of a draw, or its substitute, which is returned as well."""
        for scene in chain([draw.scene], substitute_scenes(len(self.scenes), draw.scene, draw.seed, draw.view)):
            try:
                # Views of a pair differ in the part of their scene that is seen.
                scenery = np.random.default_rng([draw.seed, 1 + draw.view])
                return draw._replace(scene=scene), self.scenes.read(scene, scenery, side)
            except (MattingError, OSError) as error:
                if self.quarantine is None:
                    raise
                record(self.quarantine, BACKGROUNDS, self.scenes.name(scene), str(error))
        raise MattingError(f"{self.scenes.name(draw.scene)}: neither this background nor {ATTEMPTS} others can be read")


def collate(crops: Sequence[Crop]) -> LayerBatch:
    """Stack crops into the layout of `LayerBatch`."""
    draws = [crop.draw for crop in crops]
    integers = {
        name: torch.tensor([getattr(draw, name) for draw in draws]) for name in ("seed", "view", "pair", "scene")
    }
    return LayerBatch(
        foreground=_planes([crop.foreground for crop in crops]),
        background=_planes([crop.background for crop in crops]),
        alpha=_planes([crop.alpha[..., None] for crop in crops]),
        ignore=_planes([crop.ignore[..., None] for crop in crops]),
        severity=torch.tensor([draw.severity for draw in draws], dtype=torch.float32),
        person=torch.tensor([crop.person for crop in crops]),
        **integers,
    )


def _number(identity: str) -> int:
    """Hash an identity to 63 bits: equal for one person in all photos."""
    # Not `hash`, which Python salts in every process; shifted to fit a non-negative int64.
    return int.from_bytes(blake2b(os.fsencode(identity), digest_size=8).digest()) >> 1


def _planes(images: list[NDArray[np.uint8]]) -> torch.Tensor:
    # Copied to be contiguous, as copies to a device need.
    return torch.from_numpy(np.stack(images).transpose(0, 3, 1, 2).copy())
