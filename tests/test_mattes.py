"""What a matte file means: read right, refused with what to do, or doubted."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from matting.decoding import ImageError
from matting.images import read_alpha, read_codes, read_cutout_alpha, read_trimap
from matting.mattes import is_inverted, matte_doubts, trimap_doubts
from matting.trimap import implied_trimap
from tests.data.formats.trees import matte, photo

MATTE = matte(0)
HARD = np.where(MATTE > 127, 255, 0).astype(np.uint8)
GRAY = cv2.cvtColor(photo(1), cv2.COLOR_RGB2GRAY)


def save(path: Path, image: np.ndarray | Image.Image, **options: object) -> Path:
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)
    return path


def gray_alpha(gray: np.ndarray, alpha: np.ndarray | int) -> np.ndarray:
    return np.dstack([gray, gray, gray, np.broadcast_to(np.uint8(alpha) if np.isscalar(alpha) else alpha, gray.shape)])


def indexed(labels: np.ndarray, colours: list[tuple[int, int, int]]) -> Image.Image:
    image = Image.fromarray(labels, "P")
    image.putpalette([value for colour in colours for value in colour])
    return image


def clear_corner() -> np.ndarray:
    rgba = gray_alpha(MATTE, 255)
    rgba[0, 0, 3] = 0
    return rgba


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (HARD // 255, "found values of 0 and 1; multiply them by 255"),
        (np.rint(MATTE / 2.55).astype(np.uint8), r"values up to 100 \(per cent\?\); multiply them by 2.55"),
        (HARD // 17, "the values 0 and 15 alone .*class numbers.*; store the person as 255"),
        (MATTE.astype(np.uint16), "16-bit matte up to 65535, found values up to 255, that is 8 bits stored in 16"),
        (HARD.astype(np.uint16) // 255, "found values up to 1, that is 8 bits stored in 16"),
        (np.rint(MATTE * (4095 / 255)).astype(np.uint16), "found values up to 4095, that is 12 bits stored in 16"),
        (clear_corner(), "found two that differ, gray values from 0 to 255 and transparency from 0 to 255; save"),
        (gray_alpha(MATTE, 254), "found two that differ, gray values from 0 to 255 and transparency from 254 to 254"),
        (gray_alpha(GRAY, MATTE), "found two that differ"),
        (gray_alpha(MATTE, 0), "found two that differ"),
        (np.dstack([HARD, HARD * 0, HARD * 0]), "found colours: the photo, or a mask with coloured classes"),
        (np.dstack([HARD, HARD * 0, HARD * 0, HARD * 0 + 255]), "found colours"),
        (photo(0), "found colours: the photo"),
        (photo(0)[..., [0, 1, 2, 2]] * [1, 1, 1, 0] + [0, 0, 0, 255], "found colours: the photo"),
        (indexed(HARD // 255, [(0, 0, 0), (192, 128, 128)]), "found the colours of a palette"),
        (indexed(HARD // 255, [(0, 0, 0), (1, 1, 1)]), "found values of 0 and 1"),
    ],
)
def test_what_is_no_matte_for_sure_is_refused_with_what_to_do(tmp_path, image, message):
    if isinstance(image, np.ndarray) and image.dtype == np.int64:
        image = image.astype(np.uint8)
    path = save(tmp_path / "m.png", image)
    with pytest.raises(ImageError, match=rf"m\.png: expected .*{message}"):
        read_alpha(path)


@pytest.mark.parametrize("size", [1, 2, 3, 9])
def test_a_coloured_mask_of_any_size_is_refused(tmp_path, size):
    mask = np.zeros((48, 36, 3), np.uint8)
    mask[1 : 1 + size, 1 : 1 + size] = (220, 20, 60)
    with pytest.raises(ImageError, match="found colours"):
        read_alpha(save(tmp_path / "a.png", mask))


@pytest.mark.parametrize("suffix", ["jpg", "webp", "avif"])
def test_a_lossy_file_of_0_and_1_is_refused(tmp_path, suffix):
    with pytest.raises(ImageError, match="values of 0 and 1"):
        read_alpha(save(tmp_path / f"a.{suffix}", HARD // 255, quality=95))


@pytest.mark.parametrize(
    "image",
    [
        MATTE,
        np.dstack([MATTE] * 3),
        gray_alpha(MATTE, 255),
        gray_alpha(MATTE, MATTE),
        gray_alpha(np.full_like(MATTE, 255), MATTE),
        gray_alpha(np.zeros_like(MATTE), MATTE),
        np.dstack([photo(0), MATTE]),
        (MATTE.astype(np.uint16) * 257),
        indexed(MATTE, [(value, value, value) for value in range(256)]),
        indexed(255 - MATTE, [(255 - value,) * 3 for value in range(256)]),
    ],
)
def test_every_coding_that_says_one_thing_is_read(tmp_path, image):
    assert np.array_equal(read_alpha(save(tmp_path / "m.png", image)), MATTE)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_constant_matte_is_read(tmp_path, value):
    assert (read_alpha(save(tmp_path / "m.png", np.full((9, 8), value, np.uint8))) == value).all()


def test_an_empty_cutout_is_an_empty_matte(tmp_path):
    assert not read_alpha(save(tmp_path / "a.png", np.zeros((9, 8, 4), np.uint8))).any()
    assert not read_alpha(save(tmp_path / "b.png", np.dstack([photo(0), MATTE * 0]))).any()


def test_a_file_that_is_known_to_be_a_cutout_may_be_gray(tmp_path):
    path = save(tmp_path / "a.png", gray_alpha(GRAY, MATTE))
    assert np.array_equal(read_cutout_alpha(path), MATTE)


def test_trimaps_have_three_codes(tmp_path):
    trimap = np.where(MATTE == 255, 255, np.where(MATTE == 0, 0, 128)).astype(np.uint8)
    assert np.array_equal(read_trimap(save(tmp_path / "a.png", trimap)), trimap)
    for name, codes in (("b", trimap // 127), ("c", cv2.resize(trimap, (30, 31)))):
        path = save(tmp_path / f"{name}.png", codes)
        with pytest.raises(ImageError, match=rf"{name}\.png: expected a trimap of 0, 128 \(unknown\) and 255, found"):
            read_trimap(path)
        assert np.array_equal(read_codes(path), codes)


@pytest.mark.parametrize(
    ("alpha", "doubt"),
    [
        (MATTE * 0, "the matte is empty"),
        (MATTE * 0 + 255, "the matte is full"),
        (MATTE, None),
        (255 - MATTE, "are black and white exchanged"),
        (HARD, "no pixel is soft"),
        (np.clip(MATTE, 0, 200), "the highest value is 200"),
        (np.clip(MATTE, 3, 255), "the lowest value is 3"),
        (np.where((MATTE > 0) & (MATTE < 255), 128, MATTE), "is it a trimap"),
        (photo(0)[..., 0], "% of the pixels are soft"),
    ],
)
def test_mattes_are_doubted(alpha, doubt):
    doubts = matte_doubts(alpha.astype(np.uint8))
    assert doubts == [] if doubt is None else any(doubt in line for line in doubts)


def test_people_who_fill_the_borders_are_not_inverted():
    alpha = np.zeros((40, 30), np.uint8)
    alpha[10:, 8:] = 255  # cut by the lower and the right border
    assert not is_inverted(alpha) and is_inverted(255 - alpha)
    alpha[:] = 255
    assert not is_inverted(alpha)


def test_trimaps_that_do_not_belong_to_their_matte_are_doubted():
    """A classical method can only be as good as its trimap."""
    alpha = np.zeros((60, 60), np.uint8)
    alpha[20:, 20:40], alpha[20:, 19] = 255, 90
    trimap = implied_trimap(alpha)
    assert trimap_doubts(alpha, trimap) == []
    hard = np.where(trimap == 0, 0, 255).astype(np.uint8)
    assert trimap_doubts(alpha, hard)[-1].startswith("the trimap has no unknown pixels")
    assert "the trimap is the opposite of the matte in" in trimap_doubts(alpha, np.roll(trimap, 9, axis=1))[0]
    empty = np.zeros((60, 60), np.uint8)
    assert trimap_doubts(empty, empty) == []
