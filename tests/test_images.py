import io
import resource
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageCms, ImageOps

from matting.decoding import MAX_PIXELS, ImageError
from matting.image_formats import unread
from matting.images import (
    list_folder,
    list_images,
    read_alpha,
    read_codes,
    read_labels,
    read_photo,
    read_rgb,
    read_rgba,
    write_png,
)

RNG = np.random.default_rng(0)
PHOTO = cv2.resize(RNG.integers(0, 256, (6, 8, 3), np.uint8), (40, 30), interpolation=cv2.INTER_CUBIC)
MATTE = PHOTO[..., 0].copy()


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def oriented(path: Path, orientation: int) -> Path:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(path, Image.fromarray(PHOTO), exif=exif)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "webp", "gif"])
def test_lossless_formats_give_the_stored_colours(tmp_path, suffix):
    photo = PHOTO // 64 * 64  # few enough colours for GIF's palette
    options = {"lossless": True} if suffix == "webp" else {}
    path = saved(tmp_path / f"a.{suffix}", Image.fromarray(photo), **options)
    assert np.array_equal(read_rgb(path), photo)


def test_jpeg_equals_pillow_and_is_writable(tmp_path):
    path = saved(tmp_path / "a.jpg", Image.fromarray(PHOTO), quality=90)
    rgb = read_rgb(path)
    assert np.array_equal(rgb, np.asarray(Image.open(path)))
    assert rgb.flags.c_contiguous and rgb.flags.writeable


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_as_pillow_turns_it(tmp_path, suffix, orientation):
    path = oriented(tmp_path / f"a.{suffix}", orientation)
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert np.array_equal(read_rgb(path), expected)
    assert (expected.shape[0] > expected.shape[1]) == (orientation >= 5)


def test_gray_palette_and_one_bit(tmp_path):
    gray = saved(tmp_path / "gray.png", Image.fromarray(MATTE))
    assert np.array_equal(read_rgb(gray), np.dstack([MATTE] * 3))
    palette = Image.fromarray(PHOTO).quantize(16)
    assert np.array_equal(read_rgb(saved(tmp_path / "p.png", palette)), np.asarray(palette.convert("RGB")))
    one_bit = Image.fromarray(MATTE > 127)
    assert np.array_equal(read_alpha(saved(tmp_path / "b.png", one_bit)), (MATTE > 127) * np.uint8(255))


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_sixteen_bits_are_rounded(tmp_path, suffix):
    deep = RNG.integers(0, 65536, (30, 40), np.uint16)
    expected = np.rint(deep / 257).astype(np.uint8)
    cv2.imwrite(str(tmp_path / f"a.{suffix}"), deep)
    assert np.array_equal(read_alpha(tmp_path / f"a.{suffix}"), expected)
    assert np.array_equal(read_rgb(tmp_path / f"a.{suffix}")[..., 1], expected)


def test_sixteen_bit_colour_png_keeps_channel_order_and_alpha(tmp_path):
    deep = RNG.integers(0, 65536, (30, 40, 4), np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), deep)
    expected = np.rint(deep[..., [2, 1, 0, 3]] / 257).astype(np.uint8)
    assert np.array_equal(read_rgba(tmp_path / "a.png"), expected)
    assert np.array_equal(read_rgb(tmp_path / "a.png"), expected[..., :3])


def deep_tiff(path: Path, pixels: np.ndarray, extra: int) -> Path:
    """Write an uncompressed 16-bit TIFF of four channels; ``extra`` says what the fourth is."""
    (height, width, _), short, long = pixels.shape, 3, 4
    data, start = pixels.astype("<u2").tobytes(), 8 + 2 + 12 * 11 + 4
    tags = [(256, long, 1, width), (257, long, 1, height), (258, short, 4, start), (259, short, 1, 1)]
    tags += [(262, short, 1, 2), (273, long, 1, start + 8), (277, short, 1, 4), (278, long, 1, height)]
    tags += [(279, long, 1, len(data)), (284, short, 1, 1), (338, short, 1, extra)]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I4H", 0, 16, 16, 16, 16)
    path.write_bytes(head + data)
    return path


def test_fourth_channel_of_a_deep_tiff_by_its_kind(tmp_path):
    straight = RNG.integers(0, 65536, (30, 40, 4), np.uint16)
    straight[..., 3] |= 4096  # so that colours survive the multiplication
    expected = np.rint(straight / 257).astype(np.uint8)
    assert np.array_equal(read_rgba(deep_tiff(tmp_path / "straight.tif", straight, extra=2)), expected)

    alpha = straight[..., 3:] / 65535
    premultiplied = np.dstack([np.rint(straight[..., :3] * alpha).astype(np.uint16), straight[..., 3]])
    found = read_rgba(deep_tiff(tmp_path / "premultiplied.tif", premultiplied, extra=1))
    assert np.abs(found.astype(int) - expected).max() <= 1 and np.array_equal(found[..., 3], expected[..., 3])

    selection = read_photo(deep_tiff(tmp_path / "selection.tif", straight, extra=0))
    assert selection.opacity is None and np.array_equal(selection.rgb, expected[..., :3])


def test_cmyk_without_profile_and_with_a_broken_one(tmp_path):
    cmyk = Image.fromarray(PHOTO).convert("CMYK")
    plain = saved(tmp_path / "a.jpg", cmyk, quality=95)
    broken = saved(tmp_path / "b.jpg", cmyk, quality=95, icc_profile=b"no profile at all")
    assert np.abs(read_rgb(plain).astype(int) - PHOTO).mean() < 8
    assert np.array_equal(read_rgb(plain), read_rgb(broken))


def test_rgb_profile_is_applied_only_when_asked(tmp_path):
    # A LAB profile does not fit RGB pixels and a broken one fits nothing: both leave the stored colours.
    for name, profile in [
        ("srgb", ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()),
        ("lab", ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()),
        ("broken", b"broken"),
    ]:
        path = saved(tmp_path / f"{name}.png", Image.fromarray(PHOTO), icc_profile=profile)
        assert np.array_equal(read_rgb(path), PHOTO)
        assert np.array_equal(read_photo(path).rgb, PHOTO)


def test_wide_gamut_profile_is_converted(tmp_path):
    profile = _swapped_primaries(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    path = saved(tmp_path / "a.png", Image.fromarray(PHOTO), icc_profile=profile)
    assert np.array_equal(read_rgb(path), PHOTO)
    swapped = read_photo(path).rgb
    assert np.abs(swapped.astype(int) - PHOTO[..., [2, 1, 0]]).max() <= 3


def test_linear_profile_named_after_srgb_is_converted(tmp_path):
    """As GIMP's: the primaries of sRGB without its curve."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    curve, name = b"para\0\0\0\0\0\3\0\0", "built-in".encode("utf-16-be")
    assert curve in srgb and name in srgb
    at = srgb.index(curve)
    identity = srgb[: at + 8] + b"\0\0\0\0" + b"\0\1\0\0" + srgb[at + 16 :]  # a gamma of 1
    profile = identity.replace(name, "linear".ljust(8).encode("utf-16-be"))
    path = saved(tmp_path / "a.png", Image.new("RGB", (8, 8), (55, 55, 55)), icc_profile=profile)
    assert np.abs(read_photo(path).rgb.astype(int) - 128).max() <= 1


def _swapped_primaries(srgb: bytes) -> bytes:
    """An ICC profile with sRGB's red and blue swapped, and another description."""
    swapped = srgb.replace(b"rXYZ", b"\0tmp").replace(b"bXYZ", b"rXYZ").replace(b"\0tmp", b"bXYZ")
    return swapped.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))


def test_rgba_drops_alpha_and_keeps_the_colours_under_it(tmp_path):
    rgba = np.dstack([PHOTO, MATTE])
    path = saved(tmp_path / "a.png", Image.fromarray(rgba))
    assert np.array_equal(read_rgb(path), PHOTO)
    assert np.array_equal(read_rgba(path), rgba)
    assert np.array_equal(read_alpha(path), MATTE)
    assert (read_rgba(saved(tmp_path / "b.png", Image.fromarray(PHOTO)))[..., 3] == 255).all()
    assert read_rgba(saved(tmp_path / "c.png", Image.fromarray(MATTE))).shape == (30, 40, 4)


def test_alpha_from_three_channels_from_opaque_rgba_and_from_jpeg(tmp_path):
    three = np.dstack([MATTE] * 3)
    assert np.array_equal(read_alpha(saved(tmp_path / "a.png", Image.fromarray(three))), MATTE)
    opaque = np.dstack([three, np.full_like(MATTE, 255)])
    assert np.array_equal(read_alpha(saved(tmp_path / "b.png", Image.fromarray(opaque))), MATTE)
    jpeg = read_alpha(saved(tmp_path / "c.jpg", Image.fromarray(three), quality=95))
    assert np.abs(jpeg.astype(int) - MATTE).mean() < 3


def test_a_photo_is_refused_as_a_matte(tmp_path):
    path = saved(tmp_path / "photo.png", Image.fromarray(PHOTO))
    with pytest.raises(ImageError, match=r"photo\.png.*matte.*colours"):
        read_alpha(path)
    opaque = saved(tmp_path / "opaque.png", Image.fromarray(PHOTO).convert("RGBA"))
    with pytest.raises(ImageError, match=r"opaque\.png.*matte.*colours"):
        read_alpha(opaque)


def test_broken_profile_chunks_do_not_reach_libpng(tmp_path, capfd):
    path = saved(tmp_path / "a.png", Image.fromarray(PHOTO), icc_profile=b"broken")
    read_rgb(path)
    assert capfd.readouterr().err == ""


def encoded(suffix: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PHOTO).save(buffer, suffix)
    return buffer.getvalue()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("suffix", ["PNG", "JPEG", "WEBP", "TIFF", "GIF"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.2, 0.5, 0.9])
def test_truncated_files_are_refused_and_name_the_file(tmp_path, suffix, share):
    data = encoded(suffix)
    path = tmp_path / "cut.bin"
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(ImageError, match=r"cut\.bin: expected"):
        read_rgb(path)


@pytest.mark.parametrize(
    "content", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%!PS-Adobe-3.0", b"\0" * 64, b"hi"]
)
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(ImageError, match=r"x\.png.*JPEG, PNG"):
        read_rgba(tmp_path / "x.png")


def test_listing_finds_images_by_ending_and_nothing_else(tmp_path):
    (tmp_path / "deep" / "folder.png").mkdir(parents=True)
    (tmp_path / "broken.webp").symlink_to(tmp_path / "gone.webp")
    for name in ("b.JPG", "a.png", ".hidden.png", "notes.txt", "deep/c.tiff"):
        (tmp_path / name).touch()
    flat = ["a.png", "b.JPG", "broken.webp"]  # a broken link is listed, so that reading it reports the reason
    assert [path.name for path in list_images(tmp_path)] == flat
    assert [path.name for path in list_images(tmp_path, recursive=True)] == [*flat, "c.tiff"]
    with pytest.raises(FileNotFoundError, match="expected a folder of images, found a file"):
        list_images(tmp_path / "a.png")


def test_listing_leaves_hidden_folders_out_and_lists_links_to_folders(tmp_path):
    for name in ("other/a.png", "set/.thumbs/deep/b.png", "set/c/d.png"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    (link := tmp_path / "set" / "link").symlink_to(tmp_path / "other")
    (tmp_path / "set" / ".thumbs" / "link").symlink_to(tmp_path / "other")
    images, others = list_folder(tmp_path / "set", recursive=True)
    assert images == [tmp_path / "set/c/d.png"] and others == [link]
    assert "not followed" in unread(link)
    assert list_folder(tmp_path / "set").others == []  # nothing below it was asked for
    # A folder may itself be below a hidden one.
    assert list_images(tmp_path / "set" / ".thumbs", recursive=True) == [tmp_path / "set/.thumbs/deep/b.png"]


def test_a_name_as_long_as_the_file_system_allows_can_be_written(tmp_path):
    target = tmp_path / ("n" * 251 + ".png")
    write_png(target, MATTE)
    assert np.array_equal(read_alpha(target), MATTE)


def test_missing_file_folder_and_float_tiff_are_refused(tmp_path):
    with pytest.raises(ImageError, match=r"none\.png.*found nothing"):
        read_rgb(tmp_path / "none.png")
    with pytest.raises(ImageError, match="not a regular file"):
        read_rgb(tmp_path)
    path = saved(tmp_path / "f.tiff", Image.fromarray(MATTE.astype(np.float32)))
    with pytest.raises(
        ImageError,
        match=r"f\.tiff: expected 8 or 16 bits per channel, found 32-bit floating point; convert it to 16-bit PNG",
    ):
        read_alpha(path)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_declared_size_is_checked_before_decoding(tmp_path):
    for side in (20_000, 60_000):
        bomb = bytearray(encoded("PNG"))
        bomb[16:24] = side.to_bytes(4, "big") * 2
        (tmp_path / "bomb.png").write_bytes(bytes(bomb))
        with pytest.raises(ImageError):
            read_rgb(tmp_path / "bomb.png")
    bmp = bytearray(encoded("BMP"))
    bmp[18:26] = (16_000).to_bytes(4, "little") * 2
    (tmp_path / "bomb.bmp").write_bytes(bytes(bmp))
    with pytest.raises(ImageError, match=f"at most {MAX_PIXELS / 1e6:.0f} megapixels"):
        read_rgb(tmp_path / "bomb.bmp")


def test_a_chunk_that_claims_gigabytes_is_never_allocated(tmp_path):
    data = bytearray(encoded("PNG"))
    start = data.index(b"IDAT") - 4
    data[start : start + 4] = (0xFE003887).to_bytes(4, "big")
    (tmp_path / "liar.png").write_bytes(bytes(data))
    limit = resource.getrlimit(resource.RLIMIT_AS)
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + 2**30, limit[1]))
    try:
        assert np.array_equal(read_rgb(tmp_path / "liar.png"), PHOTO)  # all pixels are present
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limit)


@given(st.binary(max_size=200), st.integers(0, 400))
def test_flipped_bytes_give_an_image_or_an_image_error(tmp_path_factory, noise, start):
    path = tmp_path_factory.getbasetemp() / "noise.png"
    data = bytearray(encoded("PNG"))
    data[start : start + len(noise)] = noise
    path.write_bytes(bytes(data))
    try:
        assert read_rgb(path).ndim == 3
    except ImageError as error:
        assert "noise.png" in str(error)


def shapes() -> st.SearchStrategy[tuple[int, ...]]:
    sides = st.integers(1, 9)
    return st.one_of(st.tuples(sides, sides), st.tuples(sides, sides, st.sampled_from([3, 4])))


@given(shapes().flatmap(lambda shape: arrays(np.uint8, shape)))
def test_png_round_trip(tmp_path_factory, array):
    path = tmp_path_factory.getbasetemp() / "round.png"
    write_png(path, array)
    if array.ndim == 2:
        assert np.array_equal(read_codes(path), array)
    else:
        assert np.array_equal(read_rgba(path)[..., : array.shape[2]], array)


@pytest.mark.parametrize("array", [np.zeros((4, 4)), np.zeros((4, 4, 2), np.uint8), np.zeros(4, np.uint8)])
def test_write_png_refuses_other_arrays(tmp_path, array):
    with pytest.raises(ValueError, match="expected uint8"):
        write_png(tmp_path / "a.png", array)
    assert list(tmp_path.iterdir()) == []


def test_write_png_refuses_other_suffixes(tmp_path):
    with pytest.raises(ValueError, match=r"\.png"):
        write_png(tmp_path / "a.jpg", MATTE)


def test_labels_are_the_stored_numbers_of_an_indexed_file_and_the_values_of_others(tmp_path):
    numbers = np.arange(24, dtype=np.uint8).reshape(4, 6)
    coloured, gray = (Image.fromarray(numbers, "P") for _ in range(2))
    coloured.putpalette(np.random.default_rng(0).integers(0, 256, 768, np.uint8).tobytes())
    gray.putpalette(np.repeat(255 - np.arange(256, dtype=np.uint8), 3).tobytes())
    labels, indexed = read_labels(saved(tmp_path / "a.png", coloured))
    assert np.array_equal(labels, numbers) and indexed
    labels, indexed = read_labels(saved(tmp_path / "b.png", gray))
    assert np.array_equal(labels, 255 - numbers) and not indexed
    labels, indexed = read_labels(saved(tmp_path / "c.png", Image.fromarray(numbers)))
    assert np.array_equal(labels, numbers) and not indexed
    with pytest.raises(ImageError, match=r"d\.png: expected a mask .* found colours"):
        read_labels(saved(tmp_path / "d.png", Image.fromarray(PHOTO)))


def test_indexed_labels_are_turned_upright_like_the_photo(tmp_path):
    coloured = Image.fromarray(np.arange(24, dtype=np.uint8).reshape(4, 6), "P")
    coloured.putpalette(np.random.default_rng(0).integers(0, 256, 768, np.uint8).tobytes())
    exif = Image.Exif()
    exif[0x0112] = 6
    labels, _ = read_labels(saved(tmp_path / "a.png", coloured, exif=exif))
    assert np.array_equal(labels, np.rot90(np.arange(24).reshape(4, 6), -1))
