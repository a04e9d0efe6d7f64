"""Decode an image file to upright 8-bit pixels, and keep what was stored as far as it says what they mean."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, TiffImagePlugin, UnidentifiedImageError

from matting.errors import MattingError
from matting.image_formats import READABLE, sniff, unread
from matting.shards import entry_of, read_bytes

MAX_PIXELS = 2**27
"""Largest image accepted, in pixels (134 megapixels): anything larger is treated as a decompression bomb."""

# Pillow also opens formats that start an interpreter (EPS) or contain no raster image; these are refused.
_FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "AVIF", "JPEG2000", "PPM")
_LOSSY = ("JPEG", "WEBP", "AVIF", "JPEG2000", "HEIF")
_EXIF_ORIENTATION = 0x0112
_PNG_ORIENTATION_MARKS = (b"eXIf", b"Raw profile type", b"tiff:Orientation")
_BITS, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0  # of TIFF
_EXTRA, _PREMULTIPLIED = 338, 1
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


class Decoded(NamedTuple):
    """A decoded image.

    Attributes:
        pixels: Upright, ``(H, W)``, ``(H, W, 3)`` RGB or ``(H, W, 4)`` RGBA, uint8; palette indices if `indexed`.
        profile: The colour profile, if it is one of these channels.
        indexed: Whether the pixels are indices.
        stored: The values of a 16-bit file, not turned, with the channels of `pixels`; None for 8 bits.
        palette: Whether the file has a palette.
        lossy: Whether the format may have changed the values.
    """

    pixels: NDArray[np.uint8]
    profile: bytes | None = None
    indexed: bool = False
    stored: NDArray[np.uint16] | None = None
    palette: bool = False
    lossy: bool = False


def decode(path: Path, max_pixels: int = MAX_PIXELS, indexed: bool = False) -> Decoded:
    """Decode a file, by its content and not by its ending.

    Args:
        path: Image file.
        max_pixels: Largest image accepted, in pixels; checked in the header.
        indexed: Return the indices of an image with a coloured palette.

    Returns:
        The image.

    Raises:
        ImageError: The file is missing, not an image that is read, damaged, or too large.
    """
    if not entry_of(path) and not path.is_file():
        found = "something that is not a regular file" if path.exists() else "nothing"
        raise ImageError(f"{path}: expected an image file, found {found}; check the path")
    if advice := unread(path):
        raise ImageError(f"{path}: expected {READABLE}, found {advice}")
    kind = ""
    try:
        data = read_bytes(path)
        kind = sniff(data[:32]) or ""
        with Image.open(io.BytesIO(data), formats=_formats(path, kind)) as image:
            if image.size[0] * image.size[1] > max_pixels:
                raise _too_large(path, max_pixels, f"{image.size[0]} x {image.size[1]}")
            return _decode(path, image, data, indexed)
    except MattingError:
        raise
    except Image.DecompressionBombError:
        raise _too_large(path, max_pixels, "a header declaring more than that") from None
    except Exception as error:  # on damaged files Pillow's decoders raise a dozen unrelated types
        found = str(error).split(" <_io")[0] or type(error).__name__
        cure = "convert it or fetch it again"
        if kind == "TIFF" and isinstance(error, UnidentifiedImageError):
            cure = "floating point and 32 bits are not read: convert it to 16-bit PNG"
        raise ImageError(f"{path}: expected {READABLE}, found: {found}; {cure}") from error


def decode_pillow(path: Path, image: Image.Image, data: bytes | None = None) -> Decoded:
    """Decode an opened Pillow image; `path` is named in errors, `data` is its file where there is one."""
    pixels, stored = _decode_any(path, image)
    turn = _UPRIGHT.get(_orientation(image, data))
    profile = image.info.get("icc_profile") if image.mode != "CMYK" else None
    return Decoded(turn(pixels) if turn else pixels, profile, stored=stored, palette=image.mode == "P")


def _decode(path: Path, image: Image.Image, data: bytes, indexed: bool) -> Decoded:
    lossy = image.format in _LOSSY
    if indexed and (indices := _indices(image)) is not None:
        turn = _UPRIGHT.get(_orientation(image, data))
        return Decoded(turn(indices) if turn else indices, indexed=True, palette=True, lossy=lossy)
    fast = _decode_fast(image, data)
    if fast is None:
        return decode_pillow(path, image, data)._replace(lossy=lossy)
    pixels, stored = fast
    # OpenCV turns TIFF itself.
    turn = None if image.format == "TIFF" else _UPRIGHT.get(_orientation(image, data))
    return Decoded(turn(pixels) if turn else pixels, image.info.get("icc_profile"), stored=stored, lossy=lossy)


def _formats(path: Path, kind: str) -> tuple[str, ...]:
    if kind != "HEIF":
        return _FORMATS
    try:
        import pillow_heif
    except ImportError:
        raise ImageError(
            f"{path}: expected the package pillow-heif to read HEIC and HEIF, found none; install it with "
            "pip install 'portrait-matting[heif]', or convert the file to JPEG"
        ) from None
    pillow_heif.register_heif_opener()  # turns the image upright and scales 10 and 12 bits to 8
    return ("HEIF",)


def _too_large(path: Path, limit: int, found: str) -> ImageError:
    return ImageError(f"{path}: expected at most {limit / 1e6:.0f} megapixels, found {found}; scale it down first")


def _decode_fast(image: Image.Image, data: bytes) -> tuple[NDArray[np.uint8], NDArray[np.uint16] | None] | None:
    """Decode plain JPEG and PNG with OpenCV, twice as fast as Pillow; return None for files that Pillow must decode.

    So are 16-bit colours, of which Pillow keeps 8 bits. PNGs with a profile are left to Pillow because libpng prints a
    warning for every broken profile, and data sets are full of them. OpenCV gives None for truncated and damaged files
    as well; Pillow then reports the reason.
    """
    if image.format == "PNG" and not _chunks_fit(data):
        return None
    if (image.format == "PNG" and data[24] == 16) or _is_deep_tiff(image):
        stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if stored is None or stored.dtype != np.uint16:
            return None
        deep = _as_rgb(stored)
        if isinstance(image, TiffImagePlugin.TiffImageFile) and deep.ndim == 3 and deep.shape[2] == 4:
            deep = _straight(deep, image.tag_v2.get(_EXTRA, (0,))[0])
        return _SIXTEEN_TO_EIGHT[deep], deep
    plain_png = image.format == "PNG" and data[24] == 8 and "icc_profile" not in image.info
    if not (image.format == "JPEG" or plain_png) or image.mode not in ("L", "RGB") or "transparency" in image.info:
        return None
    flags = cv2.IMREAD_GRAYSCALE if image.mode == "L" else cv2.IMREAD_COLOR_RGB
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    return None if decoded is None else (np.asarray(decoded, np.uint8), None)


def _is_deep_tiff(image: Image.Image) -> bool:
    if not isinstance(image, TiffImagePlugin.TiffImageFile) or image.mode not in ("RGB", "RGBA"):
        return False
    return bool(max(image.tag_v2.get(_BITS, (8,))) == 16)


def _straight(rgba: NDArray[np.uint16], kind: int) -> NDArray[np.uint16]:
    """Return the channels of a TIFF by the kind of its fourth: RGB if it is no transparency, else straight RGBA."""
    if kind == 0:
        return np.ascontiguousarray(rgba[..., :3])  # unspecified, such as a selection that was saved
    if kind != _PREMULTIPLIED:
        return rgba
    alpha = rgba[..., 3:].astype(np.float32)
    colours = np.minimum(np.rint(rgba[..., :3] * (65535 / np.maximum(alpha, 1))), 65535)
    return np.dstack([colours.astype(np.uint16), rgba[..., 3]])


def _chunks_fit(data: bytes) -> bool:
    """Return whether all PNG chunks fit in the file: OpenCV allocates the declared size, up to 4 GB, before reading."""
    position = 8
    while position + 12 <= len(data):
        position += 12 + int.from_bytes(data[position : position + 4], "big")
    return position == len(data)


def _as_rgb(bgr: NDArray[np.uint16]) -> NDArray[np.uint16]:
    if bgr.ndim == 2:
        return bgr
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB if bgr.shape[2] == 3 else cv2.COLOR_BGRA2RGBA), np.uint16)


def _indices(image: Image.Image) -> NDArray[np.uint8] | None:
    """Return the indices of an image with a coloured palette; None for any other image."""
    if image.mode != "P":
        return None
    colours = np.reshape(image.getpalette() or [0, 0, 0], (-1, 3))
    return None if (colours == colours[:, :1]).all() else np.array(image)


def _decode_any(path: Path, image: Image.Image) -> tuple[NDArray[np.uint8], NDArray[np.uint16] | None]:
    if image.mode.startswith("I;16") or (image.format == "PPM" and image.mode == "I"):  # PGM of more than 8 bits
        stored = np.asarray(image).astype(np.uint16)
        if isinstance(image, TiffImagePlugin.TiffImageFile) and image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
            stored = np.uint16(65535) - stored  # Pillow inverts 8 bits alone
        return _SIXTEEN_TO_EIGHT[stored], stored
    if image.mode in ("I", "F"):
        kind = "32-bit floating point" if image.mode == "F" else "32-bit integers"
        raise ImageError(f"{path}: expected 8 or 16 bits per channel, found {kind}; convert it to 16-bit PNG")
    if image.mode == "CMYK":
        return np.array(_cmyk_to_srgb(image)), None
    mode = "RGBA" if image.has_transparency_data else "L" if image.mode in ("1", "L") else "RGB"
    return np.array(image if image.mode == mode else image.convert(mode)), None  # converting to its own mode copies it


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
    converted = apply_profile(image, profile) if profile else None
    return image.convert("RGB") if converted is None else converted


def apply_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    """Return the image in sRGB, or None if it already is, or if the profile is broken or for other channels."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        description = ImageCms.getProfileDescription(source)
        if "sRGB" in description and "linear" not in description.lower():
            return None
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
