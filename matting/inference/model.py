"""A loaded model, which predicts mattes and cutouts of photos."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TypeAlias, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from matting.images import Photo as Loaded
from matting.images import pillow_to_photo, read_photo
from matting.inference.clock import Clock
from matting.inference.cutout import Style, from_coarse, within_opacity
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
        scores: Its scores, one line per test set; none for a run without test images.
        doubt: What speaks against using it, such as scores that a trivial matte reaches; empty if nothing is known.

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
    scores: Sequence[str] = ()
    doubt: str = ""

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
        # By the name, since `path` is the file of the weights: a model folder is uploaded with its card and graph.
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
            ``(H, W)`` float32 in [0, 1], of the photo's size and within its own transparency; a list if a list was
            given.

        Raises:
            MattingError: A file is not an image.
            ValueError: An array has another shape or dtype.
        """
        loaded = [_load(one) for one in (photo if isinstance(photo, (list, tuple)) else [photo])]
        mattes = self.predictor.predict_batch([one.rgb for one in loaded])
        mattes = [within_opacity(matte, one.opacity) for matte, one in zip(mattes, loaded, strict=True)]
        return mattes if isinstance(photo, (list, tuple)) else mattes[0]

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
        loaded = [_load(one) for one in (photo if isinstance(photo, (list, tuple)) else [photo])]
        mattes = self.predictor.coarse_mattes([one.rgb for one in loaded])
        results = [
            from_coarse(one.rgb, matte, Style(), Clock(), one.opacity)
            for one, matte in zip(loaded, mattes, strict=True)
        ]
        cutouts = [Image.fromarray(result.pixels) for result in results]
        return cutouts if isinstance(photo, (list, tuple)) else cutouts[0]


def _load(photo: Photo) -> Loaded:
    if isinstance(photo, np.ndarray):
        return Loaded(photo)  # its shape and dtype are checked by the predictor
    return pillow_to_photo(photo) if isinstance(photo, Image.Image) else read_photo(Path(photo))
