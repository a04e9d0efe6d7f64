"""The Python interface: its inputs and outputs."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

import matting
from matting.images import read_rgb
from matting.inference import Model, has_subject

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (50, 40, 3), np.uint8)


@pytest.fixture
def model(shipped):
    return matting.load("portrait", device="cpu")


def test_three_lines(model, tmp_path):
    Image.fromarray(IMAGE).save(tmp_path / "photo.png")
    rgba, alpha = model.cutout(tmp_path / "photo.png"), model.alpha(str(tmp_path / "photo.png"))
    assert isinstance(model, Model) and rgba.mode == "RGBA" and rgba.size == (40, 50)
    assert alpha.shape == (50, 40) and alpha.dtype == np.float32 and 0 <= alpha.min() <= alpha.max() <= 1
    assert np.abs(np.asarray(rgba)[..., 3] / 255 - alpha).max() <= 0.5 / 255 + 1e-6


def test_a_path_an_image_and_an_array_are_the_same_photo(model, tmp_path):
    Image.fromarray(IMAGE).save(tmp_path / "photo.png")
    expected = model.alpha(IMAGE)
    for photo in (tmp_path / "photo.png", Image.fromarray(IMAGE), Image.open(tmp_path / "photo.png")):
        assert np.array_equal(model.alpha(photo), expected)


def test_a_list_is_a_batch(model):
    images = [IMAGE, IMAGE[::-1].copy(), RNG.integers(0, 256, (30, 60, 3), np.uint8)]
    for alpha, image in zip(model.alpha(images), images, strict=True):
        assert np.abs(alpha - model.alpha(image)).max() < 0.02  # bfloat16 differs from batch to batch
    assert [rgba.size for rgba in model.cutout(tuple(images))] == [(40, 50), (40, 50), (60, 30)]
    assert model.alpha([]) == [] and model.cutout([]) == []


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_turned_upright_from_any_input(model, tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(IMAGE).save(tmp_path / "photo.jpg", exif=exif, quality=100, subsampling=0)
    upright = read_rgb(tmp_path / "photo.jpg")
    opened = Image.open(tmp_path / "photo.jpg")
    assert upright.shape[:2] == ((50, 40) if orientation < 5 else (40, 50))
    assert np.array_equal(model.alpha(opened), model.alpha(upright))
    assert np.array_equal(model.alpha(tmp_path / "photo.jpg"), model.alpha(upright))
    assert model.cutout(opened).size == upright.shape[1::-1]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "YCbCr"])
def test_images_of_every_mode_are_accepted(model, mode):
    image = (
        Image.fromarray(np.full((9, 7), 4000, np.uint16)) if mode == "I;16" else Image.fromarray(IMAGE).convert(mode)
    )
    assert model.alpha(image).shape == image.size[::-1]


def test_colours_of_a_pillow_image_are_converted_like_those_of_its_file(tmp_path):
    from matting.images import pillow_to_photo, read_photo

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    wide = io.BytesIO()
    Image.fromarray(IMAGE).save(wide, "PNG", icc_profile=profile)
    (tmp_path / "wide.png").write_bytes(wide.getvalue())
    expected = read_photo(tmp_path / "wide.png").rgb
    assert np.array_equal(pillow_to_photo(Image.open(tmp_path / "wide.png")).rgb, expected)


@pytest.mark.parametrize("photo", [IMAGE.astype(float), IMAGE[..., 0], IMAGE[:0], [IMAGE, IMAGE[..., :2]]])
def test_other_arrays_are_refused(model, photo):
    with pytest.raises(ValueError, match=r"expected a photo \(H, W, 3\) uint8"):
        model.alpha(photo)


def test_a_subject_is_found_by_area_and_not_by_specks():
    alpha = np.zeros((100, 100), np.float32)
    assert not has_subject(alpha) and not has_subject(alpha + 0.5)
    alpha[:3, :3] = 1
    assert not has_subject(alpha[:, :100].repeat(2, 0).repeat(2, 1) * (np.arange(200) < 2))
    alpha[:4, :3] = 1
    assert has_subject(alpha) and has_subject(alpha.repeat(3, 0).repeat(3, 1))


def test_a_cutout_without_a_subject_is_transparent_without_colours(model):
    model.predictor.model.alpha_head.bias.data -= 9
    assert model.alpha(IMAGE).max() < 0.5
    assert not np.asarray(model.cutout(IMAGE)).any()
