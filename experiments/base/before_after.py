"""Make the README's before/after image: ``python experiments/base/before_after.py``.

The photo is NASA's portrait of the astronaut Eileen Collins, in the public domain, as scikit-image ships it.
"""

from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

import matting
from matting.inference.cutout import place_on
from matting.inference.page import checker

TARGET = Path(__file__).parents[2] / "docs" / "images" / "before_after.jpg"


def main() -> None:
    """Photo, matte, cutout on a checkerboard, cutout on a color, side by side."""
    photo = skimage.data.astronaut()
    model = matting.load("portrait")
    rgba = np.asarray(model.cutout(photo))
    alpha = rgba[..., 3].astype(np.float32) / 255
    on = [place_on(rgba[..., :3], alpha, background) for background in (checker(alpha.shape), (67, 142, 219))]
    matte = np.repeat(rgba[..., 3:], 3, axis=2)
    Image.fromarray(np.hstack([photo, matte, *on])).save(TARGET, quality=88)


if __name__ == "__main__":
    main()
