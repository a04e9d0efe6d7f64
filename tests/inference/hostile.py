"""Generate more than 300 files that are not images, or not what a reader expects."""

import io
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

SIZE = (24, 20)


def _saved(image: Image.Image, form: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def _sound() -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (*SIZE[::-1], 3), np.uint8))
    forms = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "tiff": "TIFF", "gif": "GIF", "bmp": "BMP", "ppm": "PPM"}
    return {suffix: _saved(image, form) for suffix, form in forms.items()}


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, depth: int = 8, colour: int = 2, pixels: bytes = b"", extra: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = _chunk(b"IHDR", header) + extra + _chunk(b"IDAT", zlib.compress(pixels)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _refused() -> dict[str, bytes]:
    """Files that cannot be decoded as images."""
    texts = {
        "empty": b"",
        "text": b"hello",
        "nul": b"\0" * 4096,
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'><rect width='9' height='9'/></svg>",
        "xml_bomb": b"<!DOCTYPE a [<!ENTITY b 'cccc'>]><svg>&b;&b;</svg>",
        "html": b"<html><script>alert(1)</script></html>",
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
        "pdf": b"%PDF-1.7\n1 0 obj<<>>endobj\n",
        "zip": b"PK\x03\x04" + b"\0" * 60,
        "gzip": b"\x1f\x8b\x08" + b"\0" * 40,
        "elf": b"\x7fELF" + b"\x01" * 60,
        "pickle": b"\x80\x04\x95\x1a\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.",
        "riff": b"RIFF\xff\xff\xff\xffWEBPVP8L",
        "ifd": b"II*\0\x08\0\0\0\xff\xff" + b"\xff" * 40,
        "ifd_loop": b"II*\0\x08\0\0\0\0\0\x08\0\0\0",
        "soi": b"\xff\xd8\xff",
        "marker": b"\xff\xd8\xff\xe1\xff\xff",
        "avif": b"\0\0\0\x20ftypavif" + b"\0" * 24,
        "heic": b"\0\0\0\x18ftypheic" + b"\0" * 24,
        "jp2": b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0" * 24,
        "ico": b"\0\0\1\0\1\0" + b"\0" * 20,
        "psd": b"8BPS\0\1" + b"\0" * 30,
    }
    suffixes = ("jpg", "png", "webp", "tiff", "gif")
    files = {f"{name}.{suffix}": content for name, content in texts.items() for suffix in suffixes}
    shapes = {"zero_by_zero": (0, 0), "zero_wide": (0, 9), "zero_high": (9, 0), "bomb": (60_000, 60_000)}
    shapes |= {"line": (2**31 - 1, 1), "tower": (1, 2**31 - 1), "beyond": (2**32 - 1, 2**32 - 1)}
    files |= {f"{name}.png": _png(*shape) for name, shape in shapes.items()}
    for name, (width, height) in shapes.items():
        header = struct.pack("<IIIIiiHHIIIIII", 54, 0, 54, 40, width % 2**31, height % 2**31, 1, 24, *[0] * 6)
        files[f"{name}.bmp"] = b"BM" + header
    files |= {f"{name}.ppm": b"P6 %d %d 255\n" % shape for name, shape in shapes.items()}
    files |= {f"{name}.gif": b"GIF89a" + struct.pack("<HH", w % 65536, h % 65536) + b"\0\0\0;"
              for name, (w, h) in shapes.items()}  # fmt: skip
    files["liar_chunk.png"] = _png(9, 9, extra=struct.pack(">I", 2**31) + b"tEXt")
    files["depth.png"] = _png(9, 9, depth=7)
    files["colour.png"] = _png(9, 9, colour=5)
    for name, value in {"nan": np.nan, "inf": np.inf, "floats": 0.5}.items():
        files[f"{name}.tiff"] = _saved(Image.fromarray(np.full((4, 4), value, np.float32)), "TIFF")
    files["int32.tiff"] = _saved(Image.fromarray(np.full((4, 4), 2**30, np.int32)), "TIFF")
    files |= dict.fromkeys(_odd_names(), b"no image")
    return files


def _odd_names() -> list[str]:
    return [
        "[bold]brackets[red].png",
        "new\nline.png",
        "-rf.png",
        "--output=x.png",
        "a%2f..%2fetc%2fpasswd.png",
        "a..png",
        "$(touch x).png",
        "`id`.png",
        "a'b\"c.png",
        "comma,semi;colon.png",
        "\u202egnp.exe.png",
        "emoji \U0001f642.png",
        "con.png",
        "space .png",
        "\x1b[31mred.png",
        "{x}.png",
        "%s%n.png",
        "*.png",
        "n" * 250 + ".png",
    ]


def _perhaps() -> dict[str, bytes]:
    """Damaged or unusual files: each gives either an image or a reason."""
    files = {}
    rng = np.random.default_rng(1)
    for suffix, content in _sound().items():
        for percent in (5, 20, 40, 60, 80, 95, 99):
            files[f"cut_{percent}.{suffix}"] = content[: len(content) * percent // 100]
        for number in range(12):
            damaged = bytearray(content)
            for position in rng.integers(0, len(damaged), 3):
                damaged[position] ^= 1 << int(rng.integers(8))
            files[f"flipped_{number}.{suffix}"] = bytes(damaged)
        files[f"tail.{suffix}"] = content + b"<?php system('x') ?>" * 50
        for wrong in ("jpg", "png"):
            files[f"{suffix}_called.{wrong}"] = content
    text = PngImagePlugin.PngInfo()
    text.add_text("comment", "x" * 2_000_000, zip=True)
    files["text_bomb.png"] = _saved(Image.new("RGB", SIZE), "PNG", pnginfo=text)
    return files


def _unusual() -> dict[str, bytes]:
    """Valid images of every kind that a reader must support."""
    rng = np.random.default_rng(2)
    rgb = Image.fromarray(rng.integers(0, 256, (*SIZE[::-1], 3), np.uint8))
    frames = [rgb, rgb.rotate(90, expand=False), rgb.rotate(180)]
    files = {f"mode_{mode}.png": _saved(rgb.convert(mode), "PNG") for mode in ("1", "L", "LA", "P", "RGB", "RGBA")}
    files |= {"cmyk.jpg": _saved(rgb.convert("CMYK"), "JPEG"), "gray.jpg": _saved(rgb.convert("L"), "JPEG")}
    files["sixteen.png"] = _saved(Image.fromarray(rng.integers(0, 65536, (9, 9), np.uint16)), "PNG")
    for form, suffix in (("GIF", "gif"), ("WEBP", "webp"), ("PNG", "png")):
        files[f"animated.{suffix}"] = _saved(rgb, form, save_all=True, append_images=frames[1:])
    exif = Image.Exif()
    exif[0x0112] = 99
    exif[0x9286] = b"x" * 60_000
    files["huge_exif.jpg"] = _saved(rgb, "JPEG", exif=exif)
    files["broken_profile.jpg"] = _saved(rgb, "JPEG", icc_profile=b"no profile" * 500)
    files |= {"one_pixel.png": _saved(rgb.resize((1, 1)), "PNG"), "thin.png": _saved(rgb.resize((900, 1)), "PNG")}
    files["high.webp"] = _saved(rgb.resize((1, 700)), "WEBP")
    return files


def write_hostile_files(folder: Path) -> tuple[set[Path], set[Path], set[Path]]:
    """Write all of them, one folder per suffix.

    Returns:
        Files that must be refused, files that may be refused, and files that must be read.
    """
    groups = []
    for made in (_refused(), _perhaps(), _unusual()):
        groups.append({_place(folder, name) for name in made})
        for name, content in made.items():
            _place(folder, name).parent.mkdir(parents=True, exist_ok=True)
            _place(folder, name).write_bytes(content)
    groups[0] |= set(_no_files(folder))
    return groups[0], groups[1], groups[2]


def _place(folder: Path, name: str) -> Path:
    return folder / name.rpartition(".")[2] / name


def _no_files(folder: Path) -> Iterator[Path]:
    links = {"gone.png": folder / "nowhere.png", "loop.png": _place(folder, "loop.png"), "zeros.png": Path("/dev/zero")}
    for name, target in links.items():
        _place(folder, name).symlink_to(target)
        yield _place(folder, name)
    os.mkfifo(_place(folder, "pipe.jpg"))
    yield _place(folder, "pipe.jpg")
