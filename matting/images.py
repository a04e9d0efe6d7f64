"""Read and write image files: the only place where the project opens photos and mattes.

Colours are returned *as stored*. Published composites were made from the stored values, without colour
management, so a data set must be read that way; a user's own photo is converted with ``to_srgb=True``.
Only CMYK, which has no RGB values to return, is always converted by its ICC profile.
"""

import io
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from matting.errors import MattingError
from matting.files import write_atomic

Pixels = NDArray[np.uint8]
"""An image of 8 bits per channel: ``(H, W)`` gray, ``(H, W, 3)`` RGB or ``(H, W, 4)`` straight RGBA."""

MAX_PIXELS = 2**27
"""Largest image accepted, in pixels (134 megapixels): anything larger is treated as a decompression bomb."""

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".jp2", ".ppm"})
"""File name suffixes, in lower case, of the files that are listed as images."""

# Pillow also opens formats that start an interpreter (EPS) or contain no raster image; these are refused.
_FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "AVIF", "JPEG2000", "PPM")
_READABLE = "JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF, JPEG 2000 or PPM"
_ENCODINGS: dict[str, list[int]] = {".png": [], ".webp": [cv2.IMWRITE_WEBP_QUALITY, 92]}
_EXIF_ORIENTATION = 0x0112
_PNG_ORIENTATION_MARKS = (b"eXIf", b"Raw profile type", b"tiff:Orientation")
_SIXTEEN_TO_EIGHT: NDArray[np.uint8] = np.rint(np.arange(65536) / 257).astype(np.uint8)
_UPRIGHT: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a[::-1].swapaxes(0, 1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a[:, ::-1].swapaxes(0, 1),
}


class ImageError(MattingError):
    """An image file cannot be read; the message names the file, what was expected, what was found and what to do."""


class _Decoded(NamedTuple):
    """Upright pixels (palette indices if ``indexed``) and the colour profile."""

    pixels: Pixels
    profile: bytes | None
    indexed: bool = False


def read_rgb(path: str | Path, *, to_srgb: bool = False, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Read an image as RGB.

    It is turned upright by its EXIF orientation. Gray is repeated, palettes are looked up, 16 bits are rounded to 8, an
    alpha channel is dropped while the colours under it are kept, and an animation gives its first frame.

    Args:
        path: Image file.
        to_srgb: Convert the colours by the file's RGB profile (phones store Display P3) if it has a valid one.
        max_pixels: Largest image accepted, in pixels; checked in the header, before anything is decoded.

    Returns:
        ``(H, W, 3)`` uint8, C-contiguous.

    Raises:
        ImageError: The file is missing, not an image, truncated, or larger than `max_pixels`.
    """
    return _to_rgb(_read(Path(path), max_pixels), to_srgb)


def pillow_to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    """Convert a Pillow image as `read_rgb` reads a file: upright by its EXIF orientation, in sRGB by its profile.

    Args:
        image: An image of any mode; it is not changed.

    Returns:
        ``(H, W, 3)`` uint8, C-contiguous.

    Raises:
        ImageError: The image has 32 bits per channel.
    """
    pixels = _decode_any(Path(getattr(image, "filename", "") or "image"), image)
    turn = _UPRIGHT.get(_orientation(image))
    profile = image.info.get("icc_profile") if image.mode != "CMYK" else None
    return _to_rgb(_Decoded(turn(pixels) if turn else pixels, profile), to_srgb=True)


def read_rgba(path: str | Path) -> NDArray[np.uint8]:
    """Read a cutout: like `read_rgb`, with the file's straight alpha, or 255 everywhere if it has none.

    Args:
        path: Image file.

    Returns:
        ``(H, W, 4)`` uint8, C-contiguous.

    Raises:
        ImageError: As for `read_rgb`.
    """
    pixels = _read(Path(path)).pixels
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    if pixels.shape[2] == 3:
        pixels = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    return np.ascontiguousarray(pixels)


def read_alpha(path: str | Path) -> NDArray[np.uint8]:
    """Read a matte or a trimap.

    A gray file gives its gray values; a three-channel file whose channels agree up to JPEG noise gives its luma; a file
    with an alpha channel gives that channel. An RGBA file that is gray and opaque everywhere is a plain matte that was
    saved as RGBA: it gives its gray values.

    Args:
        path: Image file.

    Returns:
        ``(H, W)`` uint8, 255 = foreground, C-contiguous, upright by EXIF like its photo.

    Raises:
        ImageError: As for `read_rgb`, or the image is coloured: a photo instead of a matte.
    """
    pixels = _read(Path(path)).pixels
    if pixels.ndim == 2:
        return np.ascontiguousarray(pixels)
    coloured = _is_coloured(pixels[..., :3])
    if pixels.shape[2] == 4 and (coloured or pixels[..., 3].min() < 255):
        return np.ascontiguousarray(pixels[..., 3])
    if coloured:
        raise ImageError(f"{path}: expected a matte (gray, or RGBA), found a coloured image; is it the photo?")
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels[..., :3]), cv2.COLOR_RGB2GRAY), np.uint8)


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
    pixels, _, indexed = _read(Path(path), indexed=True)
    if pixels.ndim == 3:
        if (pixels[..., :3] != pixels[..., :1]).any() or pixels[..., 3:].min(initial=255) < 255:
            raise ImageError(
                f"{path}: expected a mask (gray, or indexed), found colours or transparency; "
                "store the class of each pixel as a number in a gray PNG"
            )
        pixels = pixels[..., 0]
    return np.ascontiguousarray(pixels), indexed


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


def list_images(folder: str | Path, *, recursive: bool = False) -> list[Path]:
    """List the image files of a folder by suffix (`SUFFIXES`), sorted; hidden files are skipped.

    Args:
        folder: Folder to list.
        recursive: Also list the folders below it.

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
    named = (path for path in inside if path.suffix.lower() in SUFFIXES and path.name[0] != ".")
    return sorted(path for path in named if not path.is_dir())


def _read(path: Path, max_pixels: int = MAX_PIXELS, indexed: bool = False) -> _Decoded:
    if not path.is_file():
        found = "something that is not a regular file" if path.exists() else "nothing"
        raise ImageError(f"{path}: expected an image file, found {found}; check the path")
    try:
        data = path.read_bytes()
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            if image.size[0] * image.size[1] > max_pixels:
                raise _too_large(path, max_pixels, f"{image.size[0]} x {image.size[1]}")
            indices = _indices(image) if indexed else None
            pixels = _decode_fast(image, data) if indices is None else indices
            if pixels is None:
                pixels = _decode_any(path, image)
            turn = _UPRIGHT.get(_orientation(image, data))
            profile = image.info.get("icc_profile") if image.mode != "CMYK" else None
            return _Decoded(turn(pixels) if turn else pixels, profile, indices is not None)
    except ImageError:
        raise
    except Image.DecompressionBombError:
        raise _too_large(path, max_pixels, "a header declaring more than that") from None
    except Exception as error:  # on damaged files Pillow's decoders raise a dozen unrelated types
        found = str(error).split(" <_io")[0] or type(error).__name__
        raise ImageError(f"{path}: expected {_READABLE}, found: {found}; convert it or fetch it again") from error


def _to_rgb(image: _Decoded, to_srgb: bool) -> NDArray[np.uint8]:
    if image.pixels.ndim == 2:
        return np.repeat(image.pixels[..., None], 3, axis=2)
    rgb = np.ascontiguousarray(image.pixels[..., :3])
    return _convert_to_srgb(rgb, image.profile) if to_srgb and image.profile else rgb


def _too_large(path: Path, limit: int, found: str) -> ImageError:
    return ImageError(f"{path}: expected at most {limit / 1e6:.0f} megapixels, found {found}; scale it down first")


def _decode_fast(image: Image.Image, data: bytes) -> NDArray[np.uint8] | None:
    """Decode plain JPEG and PNG with OpenCV, twice as fast as Pillow; return None for files that Pillow must decode.

    PNGs with a profile are left to Pillow because libpng prints a warning for every broken profile, and data sets are
    full of them. OpenCV gives None for truncated and damaged files as well; Pillow then reports the reason.
    """
    if image.format == "PNG" and not _chunks_fit(data):
        return None
    if image.format == "PNG" and data[24] == 16:
        stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        return None if stored is None else _as_rgb(_SIXTEEN_TO_EIGHT[stored])
    plain_png = image.format == "PNG" and data[24] == 8 and "icc_profile" not in image.info
    if not (image.format == "JPEG" or plain_png) or image.mode not in ("L", "RGB") or "transparency" in image.info:
        return None
    flags = cv2.IMREAD_GRAYSCALE if image.mode == "L" else cv2.IMREAD_COLOR_RGB
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    return None if decoded is None else np.asarray(decoded, np.uint8)


def _chunks_fit(data: bytes) -> bool:
    """Return whether all PNG chunks fit in the file: OpenCV allocates the declared size, up to 4 GB, before reading."""
    position = 8
    while position + 12 <= len(data):
        position += 12 + int.from_bytes(data[position : position + 4], "big")
    return position == len(data)


def _as_rgb(bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if bgr.ndim == 2:
        return bgr
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB if bgr.shape[2] == 3 else cv2.COLOR_BGRA2RGBA), np.uint8)


def _indices(image: Image.Image) -> NDArray[np.uint8] | None:
    """Return the indices of an image with a coloured palette; None for any other image."""
    if image.mode != "P":
        return None
    colours = np.reshape(image.getpalette() or [0, 0, 0], (-1, 3))
    return None if (colours == colours[:, :1]).all() else np.array(image)


def _decode_any(path: Path, image: Image.Image) -> NDArray[np.uint8]:
    if image.mode.startswith("I;16"):
        return _SIXTEEN_TO_EIGHT[np.asarray(image, np.uint16)]
    if image.mode in ("I", "F"):
        raise ImageError(f"{path}: expected 8 or 16 bits per channel, found 32; convert it to 16-bit PNG")
    if image.mode == "CMYK":
        return np.array(_cmyk_to_srgb(image))
    mode = "RGBA" if image.has_transparency_data else "L" if image.mode in ("1", "L") else "RGB"
    return np.array(image if image.mode == mode else image.convert(mode))  # converting to its own mode would copy it


def _orientation(image: Image.Image, data: bytes | None = None) -> int:
    # Pillow decodes a whole PNG to look for EXIF after the pixels; searching the bytes for it costs almost nothing.
    if data is not None and image.format == "PNG" and not any(mark in data for mark in _PNG_ORIENTATION_MARKS):
        return 1
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except Exception:  # damaged EXIF: assume that the image is upright
        return 1


def _cmyk_to_srgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    converted = _apply_profile(image, profile) if profile else None
    return image.convert("RGB") if converted is None else converted


def _convert_to_srgb(rgb: NDArray[np.uint8], profile: bytes) -> NDArray[np.uint8]:
    converted = _apply_profile(Image.fromarray(rgb), profile)
    return rgb if converted is None else np.array(converted)


def _apply_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    """Return the image in sRGB, or None if it already is, or if the profile is broken or for other channels."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return None
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def _is_coloured(rgb: NDArray[np.uint8]) -> bool:
    sample = rgb[::4, ::4].astype(np.int16)
    return bool((sample.max(axis=2) - sample.min(axis=2)).mean() > 8)
