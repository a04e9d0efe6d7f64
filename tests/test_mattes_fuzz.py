"""Generated matte files: each is read as the matte that was drawn, or refused by name, and never read wrongly."""

import io
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from matting.decoding import ImageError
from matting.images import read_alpha
from tests.test_image_formats import HEIF

if HEIF:
    import pillow_heif

    pillow_heif.register_heif_opener()  # for writing; the reader does it by itself

LOSSY = ("JPEG", "AVIF", "HEIF")
# Of a container, the modes that it can store; and those of 16 bits.
MODES = {
    "PNG": ("gray", "rgb", "opaque", "gray and alpha", "cutout", "two mattes", "haze", "corner", "red", "palette"),
    "TIFF": ("gray", "rgb", "opaque", "cutout", "two mattes", "haze", "corner", "red", "palette", "inverted TIFF"),
    "WEBP": ("rgb", "opaque", "cutout", "two mattes", "haze", "corner", "red"),
    "JPEG2000": ("gray", "rgb", "opaque", "cutout", "two mattes", "red"),
    "BMP": ("gray", "rgb", "red", "palette"),
    "GIF": ("gray", "palette", "red palette"),
    "PPM": ("gray", "rgb", "red"),
    "JPEG": ("gray", "rgb", "red"),
    "AVIF": ("rgb", "opaque", "cutout", "red"),
} | ({"HEIF": ("rgb", "cutout", "red")} if HEIF else {})
DEEP = {"PNG": ("gray", "rgb", "opaque", "cutout"), "TIFF": ("gray", "rgb", "inverted TIFF"), "PPM": ("gray",)}
READ = {"gray", "rgb", "opaque", "cutout", "gray and alpha", "palette", "inverted TIFF"}  # with full coding
# Full scale of each coding, by the number of bits that are stored.
CODINGS = {
    8: {"full": 255, "0 and 1": 1, "per cent": 100, "class": 15},
    16: {"full": 65535, "8 bits": 255, "0 and 1": 1},
}
CODINGS[16] |= {"10 bits": 1023, "12 bits": 4095, "14 bits": 16383}
ROUND = ("0 and 1", "class")  # codings of a hard mask
ORIENTED = ("PNG", "TIFF", "WEBP", "JPEG", "AVIF", "HEIF")
TURNS = {1: (0, 0), 2: (0, 1), 3: (2, 0), 4: (2, 1), 5: (-1, 1), 6: (-1, 0), 7: (1, 1), 8: (1, 0)}
"""Quarter turns, counterclockwise, and whether rows are mirrored afterwards, of each EXIF orientation."""


class Case(NamedTuple):
    container: str
    mode: str
    bits: int
    coding: str
    orientation: int
    suffix: str
    seed: int


@st.composite
def cases(draw: st.DrawFn) -> Case:
    container = draw(st.sampled_from(sorted(MODES)))
    bits = draw(st.sampled_from([8, 16])) if container in DEEP else 8
    mode = draw(st.sampled_from(DEEP[container] if bits == 16 else MODES[container]))
    # Lossy compression changes the highest value, by which codings are recognised, and drops colours such as (1, 0, 0).
    kept = ("full",) if mode == "red" else ("full", "0 and 1")
    codings = [name for name in CODINGS[bits] if container not in LOSSY or name in kept]
    coding = draw(st.sampled_from(["full"] * len(codings) + codings))
    orientation = draw(st.integers(1, 8)) if container in ORIENTED else 1
    suffix = draw(st.sampled_from(["", ".png", ".jpg", ".tif", ".dat", ".PNG"]))
    return Case(container, mode, bits, coding, orientation, suffix, draw(st.integers(0, 2**16)))


def drawn(seed: int) -> np.ndarray:
    """Draw a soft disc, float in [0, 1], that has background, foreground and values between them."""
    rng = np.random.default_rng(seed)
    height, width = rng.integers(64, 90, 2)
    rows, columns = np.mgrid[:height, :width]
    distance = np.hypot(rows - height * rng.uniform(0.4, 0.6), columns - width * rng.uniform(0.4, 0.6))
    return np.clip((width * rng.uniform(0.2, 0.3) - distance) / rng.uniform(2, 9) + 0.5, 0, 1)


def channels(case: Case, codes: np.ndarray) -> np.ndarray:
    """Return the pixels that a writer of this mode would store."""
    full = np.iinfo(codes.dtype).max
    gray, opaque = np.dstack([codes] * 3), np.full_like(codes, full)
    noise = np.random.default_rng(case.seed).integers(0, full + 1, (6, 6, 3)).astype(codes.dtype)
    photo = cv2.resize(noise, codes.shape[::-1], interpolation=cv2.INTER_NEAREST)
    corner = opaque.copy()
    corner[:3, :3] = 0
    return {
        "rgb": gray,
        "opaque": np.dstack([gray, opaque]),
        "cutout": np.dstack([photo, codes]),
        "two mattes": np.dstack([*[photo[..., 0]] * 3, codes]),
        "haze": np.dstack([gray, opaque - 1]),
        "corner": np.dstack([gray, corner]),
        "red": np.dstack([codes, codes * 0, codes * 0]),
    }.get(case.mode, codes)


def encode(case: Case, codes: np.ndarray) -> bytes:
    """Encode by Pillow, or by OpenCV where Pillow does not write 16-bit colours."""
    pixels = channels(case, codes)
    if case.bits == 16 and (pixels.ndim == 3 or case.container == "PPM"):
        order = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
        bgr = cv2.cvtColor(pixels, order[pixels.shape[2]]) if pixels.ndim == 3 else pixels
        suffix = {"PNG": ".png", "TIFF": ".tiff", "PPM": ".pgm"}[case.container]
        return cv2.imencode(suffix, bgr)[1].tobytes()
    stream, image, options = io.BytesIO(), Image.fromarray(pixels), {}
    if case.mode == "gray and alpha":
        image = Image.merge("LA", (image, Image.new("L", image.size, 255)))
    if case.mode in ("palette", "red palette"):
        image = Image.fromarray(codes, "P")
        grays = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
        image.putpalette((grays * ([1, 0, 0] if "red" in case.mode else [1, 1, 1])).astype(np.uint8).tobytes())
    if case.mode == "inverted TIFF":
        options["tiffinfo"] = {262: 0}
        if case.bits == 16:  # Pillow inverts 8 bits itself
            image = Image.fromarray(65535 - codes)
    elif case.container in ORIENTED:
        exif = Image.Exif()
        exif[0x0112] = case.orientation
        options["exif"] = exif.tobytes() if case.container == "HEIF" else exif
    options |= {"WEBP": {"lossless": True}, "JPEG2000": {"irreversible": False}}.get(case.container, {})
    options |= {"quality": 95} if case.container in LOSSY else {}
    image.save(stream, case.container, **options)
    return stream.getvalue()


def expectation(case: Case, codes: np.ndarray) -> np.ndarray:
    """Return the drawn matte in 8 bits, as its codes hold it, upright."""
    alpha = codes.astype(np.float64) / CODINGS[case.bits][case.coding] * 255
    if encoded_upright(case):
        return alpha
    turns, mirrored = TURNS[case.orientation]
    return np.fliplr(np.rot90(alpha, turns)) if mirrored else np.rot90(alpha, turns)


def encoded_upright(case: Case) -> bool:
    return case.orientation == 1 or case.mode == "inverted TIFF" or (case.bits == 16 and case.mode != "gray")


@example(Case("PNG", "rgb", 16, "8 bits", 1, ".png", 0))
@example(Case("TIFF", "gray", 16, "full", 6, ".png", 0))
@given(cases())
@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_matte_file_is_read_as_drawn_or_refused(tmp_path, case):
    matte = drawn(case.seed)
    if case.coding in ROUND:
        matte = np.round(matte)
    codes = np.rint(matte * CODINGS[case.bits][case.coding]).astype(np.uint8 if case.bits == 8 else np.uint16)
    path = tmp_path / f"matte{case.suffix}"
    path.write_bytes(encode(case, codes))
    try:
        alpha = read_alpha(path)
    except ImageError as error:
        event("refused")
        assert str(error).startswith(f"{path}: expected ") and "\n" not in str(error)
        assert case.coding != "full" or case.mode not in READ, f"refused: {error}"
        return
    event("read")
    expected = expectation(case, codes)
    assert alpha.shape == expected.shape
    difference = np.abs(alpha - expected)
    assert difference.mean() < 3 if case.container in LOSSY else difference.max() <= 1, case


def test_the_oracle_can_fail():
    case = Case("PNG", "gray", 8, "full", 6, ".png", 0)
    codes = np.rint(drawn(0) * 255).astype(np.uint8)
    assert expectation(case, codes).shape == codes.shape[::-1]
    with pytest.raises(AssertionError):
        np.testing.assert_array_equal(np.rot90(codes, 1), np.rot90(codes, -1))
