"""Which files are images: endings, and the first bytes of files whose ending says nothing or the wrong thing."""

import re
from pathlib import Path

SUFFIXES = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".tif", ".tiff", ".bmp", ".gif"),
        *(".avif", ".heic", ".heif", ".hif", ".jp2", ".j2k", ".jpx", ".pbm", ".pgm", ".ppm", ".pnm"),
    }
)
"""File name suffixes of images, in lower case: one list for photos, data sets, predictions and the web page."""

READABLE = "JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF, JPEG 2000, PPM or HEIF"
"""The formats in words, for messages."""

UNREAD = {
    "camera": frozenset(
        {
            *(".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".orf", ".rw2", ".raf"),
            *(".pef", ".srw", ".3fr", ".iiq", ".x3f", ".rwl", ".erf", ".kdc", ".mrw"),
        }
    ),
    "other": frozenset({".psd", ".psb", ".xcf", ".svg", ".eps", ".ai", ".pdf", ".jxl", ".exr", ".hdr", ".tga", ".ico"}),
}
"""Suffixes of images that are not read. Raw camera files look like TIFF but hold a thumbnail in the first place."""

_HEAD = 32  # bytes that identify a format
_HEIF = re.compile(rb"....ftyp(hei[cxms]|hev[cxms]|mif1|msf1)", re.DOTALL)
_SIGNATURES = {
    "HEIF": _HEIF,
    "AVIF": re.compile(rb"....ftypavi[fs]", re.DOTALL),
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "GIF": re.compile(rb"GIF8[79]a"),
    "WEBP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "TIFF": re.compile(rb"II[*+]\0|MM\0[*+]"),
    "JPEG2000": re.compile(rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"),
    "BMP": re.compile(rb"BM....\0\0\0\0....[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL),
    "PPM": re.compile(rb"P[456]\s+(#|\d)"),
}


def sniff(head: bytes) -> str | None:
    """Return the image format that the first bytes of a file show, in Pillow's name; None if they show none.

    Example:
        >>> sniff(b"GIF89a...")
        'GIF'
    """
    found = next((name for name, pattern in _SIGNATURES.items() if pattern.match(head)), None)
    # An AVIF may declare the general brand first and its own among the compatible ones.
    return "AVIF" if found == "HEIF" and b"avif" in head else found


def is_image(path: Path) -> bool:
    """Return whether a file is taken as an image: by its ending, or by its first bytes if the ending is another.

    Raw camera files and other images that cannot be read (`UNREAD`) are not.
    """
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return True
    return not unread(path) and path.is_file() and sniff(_head(path)) is not None


def unread(path: Path) -> str | None:
    """Return what to do with an image of a format that is not read, or a link to a folder; None for any other file."""
    if path.is_dir():
        return "a link to a folder, which is not followed: put the folder in its place"
    suffix = path.suffix.lower()
    if suffix in UNREAD["camera"]:
        return "a raw camera file: develop it to JPEG, TIFF or PNG"
    return f"not a format that is read ({READABLE}): convert it to PNG" if suffix in UNREAD["other"] else None


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD)
    except OSError:  # unreadable: not taken, so that it is listed with the files left out
        return b""
