"""A loaded model, which predicts mattes and cutouts of photos."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TypeAlias, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from matting.images import pillow_to_rgb, read_rgb
from matting.inference.clock import Clock
from matting.inference.cutout import Style, from_coarse
from matting.inference.hub import push_to_hub
from matting.inference.predictor import Predictor
from matting.inference.records import licence

Photo: TypeAlias = str | PathLike[str] | Image.Image | NDArray[np.uint8]
"""A file, a Pillow image, or an array ``(H, W, 3)`` uint8 RGB. The first two are turned upright by their EXIF."""

Photos: TypeAlias = list[Photo] | tuple[Photo, ...]


@dataclass(frozen=True)
class Model:
    """A network ready for photos, with a description of it. `matting.load` returns one.

    Attributes:
        predictor: The network with its working size and device.
        name: The name or path it was loaded by.
        path: The file of its weights.
        corpus: The data it was trained on.
        digest: Digest of its weights; see `matting.models.weights_digest`.
        backend: The backend that runs it, in words.
        terms: Licence terms of its training data, by name of the data set.

    Example:
        >>> import matting
        >>> model = matting.load("portrait")  # doctest: +SKIP
        >>> model.cutout("photo.jpg").save("cutout.png")  # doctest: +SKIP
    """

    predictor: Predictor
    name: str
    path: Path
    corpus: str
    digest: str
    backend: str
    terms: Mapping[str, str]

    @property
    def licence(self) -> str:
        """The licence of the weights, in a few words."""
        return licence(self.terms)

    def push_to_hub(self, repository: str, private: bool = False) -> str:
        """Upload the model to the Hugging Face hub; see `matting.inference.push_to_hub`.

        Args:
            repository: ``owner/name``; afterwards ``hf:owner/name`` loads the model.
            private: Whether a new repository is private.

        Returns:
            Address of the commit.

        Raises:
            OSError: The hub cannot be reached or refuses.
        """
        return push_to_hub(self.name, repository, private)

    def __str__(self) -> str:
        """Return a one-line description for the user."""
        return (
            f"{self.name} ({self.digest}): {self.licence}; trained on: {self.corpus}; "
            f"{self.backend}, {self.predictor.size} px"
        )

    @overload
    def alpha(self, photo: Photo) -> NDArray[np.float32]: ...

    @overload
    def alpha(self, photo: Photos) -> list[NDArray[np.float32]]: ...

    def alpha(self, photo: Photo | Photos) -> NDArray[np.float32] | list[NDArray[np.float32]]:
        """Predict the matte of a photo, or those of a list of photos as one batch.

        Args:
            photo: One `Photo`, or a list of them. All photos of a list are in memory at the same time.

        Returns:
            ``(H, W)`` float32 in [0, 1], of the photo's size; a list if a list was given.

        Raises:
            MattingError: A file is not an image.
            ValueError: An array has another shape or dtype.
        """
        if isinstance(photo, (list, tuple)):
            return self.predictor.predict_batch([_rgb(one) for one in photo])
        return self.predictor.predict(_rgb(photo))

    @overload
    def cutout(self, photo: Photo) -> Image.Image: ...

    @overload
    def cutout(self, photo: Photos) -> list[Image.Image]: ...

    def cutout(self, photo: Photo | Photos) -> Image.Image | list[Image.Image]:
        """Cut the people out of a photo, or of a list of photos as one batch.

        Args:
            photo: As for `alpha`.

        Returns:
            A straight RGBA image of the photo's size, with the old background removed from soft edges; fully
            transparent if no subject was found (`matting.inference.has_subject`). A list if a list was given.

        Raises:
            MattingError: As for `alpha`.
        """
        if isinstance(photo, (list, tuple)):
            return self._cutouts([_rgb(one) for one in photo])
        return self._cutouts([_rgb(photo)])[0]

    def _cutouts(self, images: Sequence[NDArray[np.uint8]]) -> list[Image.Image]:
        coarse = self.predictor.coarse_mattes(images)
        results = (from_coarse(image, matte, Style(), Clock()) for image, matte in zip(images, coarse, strict=True))
        return [Image.fromarray(result.pixels) for result in results]


def _rgb(photo: Photo) -> NDArray[np.uint8]:
    if isinstance(photo, np.ndarray):
        return photo  # its shape and dtype are checked by the predictor
    return pillow_to_rgb(photo) if isinstance(photo, Image.Image) else read_rgb(Path(photo), to_srgb=True)
