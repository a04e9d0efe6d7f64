import numpy as np
import pytest
from PIL import Image

from matting.data.test_sets import load_example, pairs_from_folders, pairs_from_root
from matting.decoding import ImageError
from matting.images import write_png
from matting.trimap import implied_trimap

RNG = np.random.default_rng(0)
PHOTO = RNG.integers(0, 256, (40, 30, 3), np.uint8)
MATTE = np.zeros((40, 30), np.uint8)
MATTE[10:30, 8:22] = 255


@pytest.fixture
def data(tmp_path):
    for folder in ("images", "alphas", "trimaps"):
        (tmp_path / folder).mkdir()
    for name in ("a", "b"):
        Image.fromarray(PHOTO).save(tmp_path / "images" / f"{name}.jpg")
        write_png(tmp_path / "alphas" / f"{name}.png", MATTE)
    (tmp_path / "images" / "notes.txt").write_text("no image")
    return tmp_path


def test_pairs_are_matched_by_stem(data):
    listing = pairs_from_folders(data / "images", data / "alphas", dataset="mine")
    assert [pair.name for pair in listing.pairs] == ["a", "b"] and listing.problems == []
    example = listing.pairs[0].load()
    assert listing.pairs[0].dataset == "mine" and example.image.shape == PHOTO.shape
    assert np.array_equal(example.alpha, MATTE) and set(np.unique(example.trimap)) == {0, 128, 255}


def test_given_trimaps_are_used(data):
    write_png(data / "trimaps" / "a.png", np.full_like(MATTE, 128))
    listing = pairs_from_folders(data / "images", data / "alphas", data / "trimaps")
    assert [pair.name for pair in listing.pairs] == ["a"] and "b: no trimap" in listing.problems[0]
    assert (listing.pairs[0].load().trimap == 128).all()


def test_missing_partners_and_duplicates_are_listed(data):
    write_png(data / "alphas" / "c.png", MATTE)
    write_png(data / "images" / "d.png", PHOTO)
    write_png(data / "images" / "a.png", PHOTO)
    listing = pairs_from_folders(data / "images", data / "alphas")
    assert len(listing.pairs) == 2 and len(listing.problems) == 3
    text = "\n".join(listing.problems)
    assert "c: no image" in text and "d: no alpha" in text and "a: two image files, a.jpg and a.png" in text


def test_one_folder_per_pair(tmp_path):
    for name, files in {"x": ("image", "alpha", "trimap"), "y": ("image",), "photos": ("other",)}.items():
        (tmp_path / name).mkdir()
        for file in files:
            write_png(tmp_path / name / f"{file}.png", PHOTO if file == "image" else np.full_like(MATTE, 128))
    listing = pairs_from_root(tmp_path)
    assert [pair.name for pair in listing.pairs] == ["x"] and listing.pairs[0].dataset == tmp_path.name
    assert listing.problems == [f"y: no alpha in {tmp_path / 'y'}"]
    assert (listing.pairs[0].load().trimap == 128).all()


def test_sizes_must_agree_and_the_message_names_both(data):
    write_png(data / "alphas" / "a.png", MATTE[:-1])
    pair = pairs_from_folders(data / "images", data / "alphas").pairs[0]
    with pytest.raises(ValueError, match=r"a\.png: expected 30x40 as .*a\.jpg, found 30x39"):
        pair.load()


def test_damaged_file_and_missing_folder(data):
    (data / "images" / "a.jpg").write_bytes(b"no image")
    with pytest.raises(ImageError, match=r"a\.jpg"):
        pairs_from_folders(data / "images", data / "alphas").pairs[0].load()
    with pytest.raises(FileNotFoundError, match="gone"):
        pairs_from_folders(data / "gone", data / "alphas")
    with pytest.raises(FileNotFoundError, match="NAME/image"):
        pairs_from_root(data / "gone")


def test_jpeg_noise_does_not_make_everything_unknown(tmp_path):
    big = np.kron(MATTE, np.ones((8, 8), np.uint8))
    noisy = np.clip(big.astype(int) + RNG.integers(-4, 5, big.shape), 0, 255).astype(np.uint8)
    assert np.array_equal(implied_trimap(noisy), implied_trimap(big))
    share = (implied_trimap(noisy) == 128).mean()
    assert 0 < share < 0.2


def test_trimap_band_scales_with_the_image():
    small, large = (implied_trimap(np.kron(MATTE, np.ones((k, k), np.uint8))) for k in (10, 30))
    assert (small == 128).mean() == pytest.approx((large == 128).mean(), rel=0.1)


def test_load_example_without_trimap_matches_pairs(data):
    example = load_example("n", data / "images" / "a.jpg", data / "alphas" / "a.png")
    assert example.name == "n" and example.ignore is None


def test_true_colours_of_a_pair_are_read_and_must_fit(tmp_path):
    (tmp_path / "root" / "a").mkdir(parents=True)
    layers = {"image": PHOTO, "alpha": MATTE, "foreground": PHOTO // 2, "background": PHOTO // 3}
    for role, image in layers.items():
        write_png(tmp_path / "root" / "a" / f"{role}.png", image)
    example = pairs_from_root(tmp_path / "root").pairs[0].load()
    assert np.array_equal(example.foreground, PHOTO // 2) and np.array_equal(example.background, PHOTO // 3)
    write_png(tmp_path / "root" / "a" / "background.png", PHOTO[:-1])
    with pytest.raises(ValueError, match=r"background\.png: expected 30x40"):
        pairs_from_root(tmp_path / "root").pairs[0].load()


def test_a_root_may_contain_sets_of_their_own(tmp_path):
    for name in ("glasses", "group"):
        for role, image in {"image": PHOTO, "alpha": MATTE, "trimap": np.full_like(MATTE, 128)}.items():
            (tmp_path / "root" / name / role).mkdir(parents=True)
            write_png(tmp_path / "root" / name / role / f"{name}_0.png", image)
    write_png(tmp_path / "root" / "group" / "image" / "lonely.png", PHOTO)
    pairs, problems = pairs_from_root(tmp_path / "root")
    assert [(pair.dataset, pair.name) for pair in pairs] == [("glasses", "glasses_0"), ("group", "group_0")]
    assert len(problems) == 1 and problems[0].startswith("lonely: no alpha")
    assert (pairs[0].load().trimap == 128).all()
