"""Files are taken by ending or by content, and what is not read is named."""

import importlib.util
import io
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from matting.decoding import ImageError
from matting.image_formats import SUFFIXES, UNREAD, is_image, sniff
from matting.images import list_folder, list_images, read_photo, read_rgb
from tests.data.formats.trees import photo

PHOTO = photo(0)
FORMATS = {"JPEG": "JPEG", "PNG": "PNG", "WEBP": "WEBP", "TIFF": "TIFF", "BMP": "BMP", "GIF": "GIF", "PPM": "PPM"} | {
    "AVIF": "AVIF",
    "JPEG2000": "JPEG2000",
}
HEIF = importlib.util.find_spec("pillow_heif") is not None


def encoded(form: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(PHOTO).save(stream, form, **options)
    return stream.getvalue()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", ["plain", "wrong.txt", "photo.dat", "two.dots.x"])
def test_an_image_under_any_name_is_listed_and_read(tmp_path, form, name):
    path = tmp_path / name
    path.write_bytes(encoded(form))
    assert sniff(path.read_bytes()[:32]) == form and list_images(tmp_path) == [path]
    assert read_rgb(path).shape == PHOTO.shape


@pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".JPEG", ".pgm", ".apng", ".avif", ".heic", ".HEIC", ".tif"])
def test_endings_of_images_are_known(suffix):
    assert suffix.lower() in SUFFIXES and is_image(Path(f"none/a{suffix}"))


@pytest.mark.parametrize("content", [b"", b"BM is a text", b"P5 is a text", b"II*", b"\0\0\0\x18ftypmp42", b"<svg/>"])
def test_other_content_is_left_out_and_listed(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    assert list_folder(tmp_path) == ([], [tmp_path / "a"])


def test_raw_files_are_never_read_by_their_thumbnail(tmp_path):
    for suffix in sorted(UNREAD["camera"]):
        path = tmp_path / f"a{suffix}"
        path.write_bytes(encoded("TIFF"))
        with pytest.raises(ImageError, match=f"a{suffix}: expected .*, found a raw camera file: develop it"):
            read_rgb(path)
    assert list_images(tmp_path) == []


@pytest.mark.parametrize("channels", [1, 3])
def test_a_tiff_of_floats_says_what_to_do(tmp_path, channels):
    cv2.imwrite(str(tmp_path / "a.tif"), np.zeros((8, 9, channels), np.float32))
    with pytest.raises(ImageError, match=r"a\.tif: expected .*convert it to 16-bit PNG"):
        read_rgb(tmp_path / "a.tif")


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("form", ["AVIF", "PNG", "WEBP", "JPEG"])
def test_orientation_of_any_container(tmp_path, form, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    (tmp_path / "a").write_bytes(encoded(form, exif=exif, quality=95))
    expected = np.rot90(PHOTO, {1: 0, 3: 2, 6: -1, 8: 1}[orientation])
    assert np.abs(read_rgb(tmp_path / "a").astype(int) - expected).mean() < 3


def test_sixteen_bit_colours_of_a_tiff_are_rounded(tmp_path):
    deep = np.random.default_rng(0).integers(0, 65536, (12, 9, 3), np.uint16)
    cv2.imwrite(str(tmp_path / "a.tif"), deep)
    assert np.array_equal(read_rgb(tmp_path / "a.tif"), np.rint(deep[..., ::-1] / 257).astype(np.uint8))


def test_sixteen_bit_pgm_and_tiff_with_zero_as_white(tmp_path):
    deep = np.random.default_rng(0).integers(0, 65536, (12, 9), np.uint16)
    cv2.imwrite(str(tmp_path / "a.pgm"), deep)
    Image.fromarray(65535 - deep).save(tmp_path / "b.tif", tiffinfo={262: 0})
    for name in ("a.pgm", "b.tif"):
        assert np.array_equal(read_rgb(tmp_path / name)[..., 0], np.rint(deep / 257).astype(np.uint8))


def test_heic_without_its_package_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    for name in ("a.heic", "b.jpg"):  # the content decides, not the ending
        (tmp_path / name).write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64))
        with pytest.raises(ImageError, match=rf"{name}: expected the package pillow-heif .*portrait-matting\[heif\]"):
            read_rgb(tmp_path / name)


@pytest.mark.skipif(not HEIF, reason="needs pillow-heif")
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_heic_is_upright(tmp_path, orientation):
    import pillow_heif

    pillow_heif.register_heif_opener()
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(PHOTO).resize((96, 128)).save(tmp_path / "a.heic", "HEIF", exif=exif.tobytes(), quality=95)
    upright = np.rot90(np.asarray(Image.fromarray(PHOTO).resize((96, 128))), {1: 0, 3: 2, 6: -1, 8: 1}[orientation])
    read = read_rgb(tmp_path / "a.heic")
    assert read.shape == upright.shape and np.abs(read.astype(int) - upright).mean() < 4


@pytest.mark.skipif(not HEIF, reason="needs pillow-heif")
def test_heic_of_ten_bits_is_scaled_to_eight(tmp_path):
    import pillow_heif

    ramp = np.repeat(np.linspace(0, 65535, 128).astype(np.uint16)[None, :, None], 64, axis=0).repeat(3, axis=2)
    image = pillow_heif.from_bytes("RGB;16", ramp.shape[1::-1], ramp.tobytes())
    image.save(tmp_path / "a.heic", quality=95)
    assert np.abs(read_rgb(tmp_path / "a.heic")[..., 0].astype(int) - ramp[..., 0] / 257).mean() < 3


def test_a_damaged_heic_is_refused_in_one_line(tmp_path):
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64))
    with pytest.raises(ImageError, match=r"a\.heic: expected"):
        read_rgb(tmp_path / "a.heic")


def test_a_photo_has_its_own_transparency(tmp_path):
    opacity = np.zeros(PHOTO.shape[:2], np.uint8)
    opacity[:, 10:] = 200
    Image.fromarray(np.dstack([PHOTO, opacity])).save(tmp_path / "a.png")
    Image.fromarray(PHOTO).convert("RGBA").save(tmp_path / "b.png")
    rgb, found = read_photo(tmp_path / "a.png")
    assert np.array_equal(rgb, PHOTO) and np.array_equal(found, opacity)
    assert read_photo(tmp_path / "b.png").opacity is None
