"""Read and write image files: the only place where the project opens photos and mattes.

Colours are returned *as stored*. Published composites were made from the stored values, without colour
management, so a data set must be read that way; a user's own photo is converted to sRGB (`read_photo`).
Only CMYK, which has no RGB values to return, is always converted by its ICC profile.
"""

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from matting.decoding import MAX_PIXELS, Decoded, ImageError, apply_profile, decode, decode_pillow
from matting.errors import MattingError
from matting.files import write_atomic
from matting.image_formats import is_image
from matting.mattes import matte_alpha, matte_plane

Pixels = NDArray[np.uint8]
"""An image of 8 bits per channel: ``(H, W)`` gray, ``(H, W, 3)`` RGB or ``(H, W, 4)`` straight RGBA."""

_ENCODINGS: dict[str, list[int]] = {".png": [], ".webp": [cv2.IMWRITE_WEBP_QUALITY, 92]}


class Photo(NamedTuple):
    """A photo as it is cut out.

    Attributes:
        rgb: ``(H, W, 3)`` uint8 sRGB.
        opacity: ``(H, W)`` uint8, the photo's own transparency, beyond which no matte goes; None if it is opaque.
    """

    rgb: NDArray[np.uint8]
    opacity: NDArray[np.uint8] | None = None


def read_rgb(path: str | Path) -> NDArray[np.uint8]:
    """Read an image as RGB, in its stored colours.

    It is turned upright by its EXIF orientation. Gray is repeated, palettes are looked up, 16 bits are rounded to 8, an
    alpha channel is dropped while the colours under it are kept, and an animation gives its first frame.

    Args:
        path: Image file.

    Returns:
        ``(H, W, 3)`` uint8, C-contiguous.

    Raises:
        ImageError: The file is missing, not an image, truncated, or larger than `matting.decoding.MAX_PIXELS`.
    """
    return _to_rgb(decode(Path(path)).pixels)


def read_photo(path: str | Path, max_pixels: int = MAX_PIXELS) -> Photo:
    """Read a user's photo: like `read_rgb`, converted to sRGB by its profile, with its own transparency.

    Args:
        path: Image file.
        max_pixels: Largest photo accepted, in pixels; checked in the header, before anything is decoded.

    Returns:
        The photo. Without a valid profile its colours are as stored (phones store Display P3).

    Raises:
        ImageError: As for `read_rgb`, or the photo is larger than `max_pixels`.
    """
    return _to_photo(decode(Path(path), max_pixels))


def pillow_to_photo(image: Image.Image) -> Photo:
    """Convert a Pillow image as `read_photo` reads a file.

    Args:
        image: An image of any mode; it is not changed.

    Returns:
        The photo.

    Raises:
        ImageError: The image has 32 bits per channel.
    """
    return _to_photo(decode_pillow(Path(getattr(image, "filename", "") or "image"), image))


def read_rgba(path: str | Path) -> NDArray[np.uint8]:
    """Read a cutout: like `read_rgb`, with the file's straight alpha, or 255 everywhere if it has none.

    Args:
        path: Image file.

    Returns:
        ``(H, W, 4)`` uint8, C-contiguous.

    Raises:
        ImageError: As for `read_rgb`.
    """
    pixels = decode(Path(path)).pixels
    opacity = pixels[..., 3] if pixels.ndim == 3 and pixels.shape[2] == 4 else np.full(pixels.shape[:2], 255, np.uint8)
    return np.dstack([_to_rgb(pixels), opacity])


def read_alpha(path: str | Path) -> NDArray[np.uint8]:
    """Read a matte, true or predicted.

    Gray values are the matte; of a cutout, its transparency is. What cannot be one for sure is refused: see
    `matting.mattes`, which decides.

    Args:
        path: Image file.

    Returns:
        ``(H, W)`` uint8, 255 = foreground, C-contiguous, upright by EXIF like its photo.

    Raises:
        ImageError: As for `read_rgb`, or the file does not contain one matte with values from 0 to 255.
    """
    return matte_alpha(Path(path), decode(Path(path)))


def read_cutout_alpha(path: str | Path) -> NDArray[np.uint8]:
    """Read the transparency of a file that is known to be a cutout, ``(H, W)`` uint8; 255 where it has none."""
    return np.ascontiguousarray(read_rgba(path)[..., 3])


def read_trimap(path: str | Path) -> NDArray[np.uint8]:
    """Read a trimap.

    Args:
        path: Image file.

    Returns:
        ``(H, W)`` uint8 of 0, 127 or 128, and 255, C-contiguous, upright by EXIF like its photo.

    Raises:
        ImageError: As for `read_codes`, or the file has other values.
    """
    trimap = read_codes(path)
    counts = np.bincount(trimap.ravel(), minlength=256)
    if other := [level for level in np.flatnonzero(counts).tolist() if level not in (0, 127, 128, 255)]:
        raise ImageError(
            f"{path}: expected a trimap of 0, 128 (unknown) and 255, found {', '.join(map(str, other[:5]))} as well; a "
            "trimap saved as JPEG, resized with interpolation or with other codes has to be made again"
        )
    return trimap


def read_codes(path: str | Path) -> NDArray[np.uint8]:
    """Read an image whose values are codes, such as labels of regions: like `read_alpha`, whatever the values.

    Args:
        path: Image file.

    Returns:
        ``(H, W)`` uint8, C-contiguous, upright by EXIF like its photo.

    Raises:
        ImageError: As for `read_rgb`, or the file has colours, or gray values and transparency that differ.
    """
    return matte_plane(Path(path), decode(Path(path)))


def read_labels(path: str | Path) -> tuple[NDArray[np.uint8], bool]:
    """Read an image whose values are class labels: of an indexed file, the stored indices.

    A palette of grays is looked up, as for any gray image.

    Args:
        path: Image file.

    Returns:
        ``(H, W)`` uint8, C-contiguous, upright by EXIF like its photo; and whether the file is indexed.

    Raises:
        ImageError: As for `read_rgb`, or the image has colours or transparent pixels.
    """
    decoded = decode(Path(path), indexed=True)
    pixels = decoded.pixels
    if pixels.ndim == 3:
        if (pixels[..., :3] != pixels[..., :1]).any() or pixels[..., 3:].min(initial=255) < 255:
            raise ImageError(
                f"{path}: expected a mask (gray, or indexed), found colours or transparency; "
                "store the class of each pixel as a number in a gray PNG"
            )
        pixels = pixels[..., 0]
    return np.ascontiguousarray(pixels), decoded.indexed


def write_png(path: str | Path, array: NDArray[np.uint8]) -> None:
    """Write an 8-bit PNG, gray, RGB or straight RGBA, atomically.

    Args:
        path: Target; its folder must exist. An existing file is replaced.
        array: ``(H, W)``, ``(H, W, 3)`` or ``(H, W, 4)`` uint8, RGB(A) order.

    Raises:
        ValueError: The array has another shape or dtype, or the path does not end in ``.png``.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ValueError(f"{path}: expected a name ending in .png, found '{path.suffix}'")
    write_atomic(path, encode_image(array, ".png"))


def encode_image(array: NDArray[np.uint8], suffix: str) -> bytes:
    """Encode an 8-bit image.

    Args:
        array: ``(H, W)``, ``(H, W, 3)`` or ``(H, W, 4)`` uint8, gray, RGB or straight RGBA.
        suffix: ``.png``, lossless, or ``.webp``, with an exact matte and lossy colours (quality 92).

    Returns:
        The content of the file.

    Raises:
        ValueError: Another shape, dtype or suffix, or a side longer than the format allows (16383 for WebP).
    """
    if array.dtype != np.uint8 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise ValueError(f"expected uint8 (H, W), (H, W, 3) or (H, W, 4), found {array.dtype} {array.shape}")
    if suffix not in _ENCODINGS:
        raise ValueError(f"expected a format of {', '.join(_ENCODINGS)}, found '{suffix}'")
    if suffix == ".webp" and max(array.shape[:2]) > 16383:
        raise MattingError(f"expected sides of at most 16383 px for WebP, found {max(array.shape[:2])}; write PNG")
    if array.ndim == 3:
        array = cv2.cvtColor(array, cv2.COLOR_RGB2BGR if array.shape[2] == 3 else cv2.COLOR_RGBA2BGRA)
    encoded, data = cv2.imencode(suffix, array, _ENCODINGS[suffix])
    if not encoded:
        raise ValueError(f"an image of shape {array.shape} cannot be encoded as {suffix}")
    return bytes(data.data)


class Listing(NamedTuple):
    """The files of a folder.

    Attributes:
        images: Images, sorted.
        others: All other files that are not hidden, sorted.
    """

    images: list[Path]
    others: list[Path]


def list_folder(folder: str | Path, *, recursive: bool = False) -> Listing:
    """List the files of a folder, images by `matting.image_formats.is_image`; hidden files and folders are skipped.

    Args:
        folder: Folder to list.
        recursive: Also list the folders below it; links to folders are not followed, but listed among the others.

    Returns:
        Paths that start with `folder`.

    Raises:
        FileNotFoundError: The folder does not exist.
    """
    folder = Path(folder)
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise FileNotFoundError(f"{folder}: expected a folder of images, found {found}; check the path")
    inside = folder.rglob("*") if recursive else folder.iterdir()
    shown = (path for path in inside if not any(part[0] == "." for part in path.relative_to(folder).parts))
    files = sorted(path for path in shown if not path.is_dir() or (recursive and path.is_symlink()))
    images = [path for path in files if is_image(path)]
    return Listing(images, sorted(set(files).difference(images)))


def list_images(folder: str | Path, *, recursive: bool = False) -> list[Path]:
    """List the images of a folder; see `list_folder`."""
    return list_folder(folder, recursive=recursive).images


def _to_photo(image: Decoded) -> Photo:
    rgb = _to_rgb(image.pixels)
    # The profile of a gray file does not apply to the RGB that its values are repeated to.
    converted = apply_profile(Image.fromarray(rgb), image.profile) if image.profile and image.pixels.ndim == 3 else None
    has_alpha = image.pixels.ndim == 3 and image.pixels.shape[2] == 4 and image.pixels[..., 3].min() < 255
    opacity = np.ascontiguousarray(image.pixels[..., 3]) if has_alpha else None
    return Photo(rgb if converted is None else np.array(converted), opacity)


def _to_rgb(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if pixels.ndim == 2:
        return np.repeat(pixels[..., None], 3, axis=2)
    return np.ascontiguousarray(pixels[..., :3])
