from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from matting.decoding import ImageError
from matting.evaluation import all_foreground, always, image_method, mean_matte, network, stored_predictions
from matting.evaluation.prediction import predict
from matting.images import write_png
from matting.inference import Predictor


def test_trivial_mattes_have_the_size_of_the_image(discs):
    example = discs[0].load()
    assert (all_foreground(example) == 1).all() and all_foreground(example).shape == example.alpha.shape
    stretched = always(np.float32([[0, 1], [0, 1]]))(example)
    assert stretched.shape == example.alpha.shape and stretched.dtype == np.float32
    assert stretched[:, 0].max() < 0.05 and stretched[:, -1].min() > 0.95
    assert stretched.min() >= 0 and stretched.max() <= 1


def test_mean_matte_averages_over_images_of_any_size():
    mattes = [np.full((30, 20), 255, np.uint8), np.zeros((7, 9), np.uint8), np.full((128, 128), 51, np.uint8)]
    np.testing.assert_allclose(mean_matte(iter(mattes), size=16), np.full((16, 16), 0.4), atol=1e-6)
    with pytest.raises(ValueError, match="at least one matte"):
        mean_matte([])


def test_image_method_sees_the_image_only(discs):
    example = discs[1].load()
    assert np.array_equal(
        image_method(lambda image: image[..., 0] / np.float32(255))(example), example.image[..., 0] / np.float32(255)
    )


class StubNetwork(torch.nn.Module):
    """Returns the red channel as the matte; the optional trimap head predicts foreground everywhere."""

    def __init__(self, head=True):
        super().__init__()
        self.head = head

    def forward(self, image):
        logits = torch.tensor([0.0, 0.0, 2.0])[None, :, None, None].expand(len(image), 3, *image.shape[2:])
        return SimpleNamespace(alpha=image[:, :1], **({"trimap_logits": logits} if self.head else {}))


@pytest.mark.parametrize("head", [True, False])
def test_a_network_returns_its_matte_and_trimap_probabilities(discs, head):
    example = discs[1].load()
    predictor = Predictor(StubNetwork(head), 64, "cpu")
    prediction = network(predictor)(example)
    assert np.array_equal(prediction.alpha, predictor(example.image))
    if head:
        assert prediction.trimap.shape == (3, 64, 64)
        np.testing.assert_allclose(prediction.trimap[2], np.exp(2) / (2 + np.exp(2)), rtol=1e-5)
    else:
        assert prediction.trimap is None
    assert not predictor.model._forward_hooks


def test_stored_predictions_are_found_by_name(discs, tmp_path):
    write_png(tmp_path / "disc0.png", discs[0].load().alpha)
    method = stored_predictions(tmp_path, discs)
    np.testing.assert_allclose(method(discs[0].example()), discs[0].load().alpha / 255, atol=1e-6)
    with pytest.raises(ImageError, match=r"prediction toy/disc1\.\*, or disc1\.\* if"):
        method(discs[1].example())
    with pytest.raises(FileNotFoundError, match="nowhere"):
        stored_predictions(tmp_path / "nowhere", discs)


def test_stored_predictions_of_one_name_are_distinguished_by_their_set(discs, tmp_path):
    pairs = [replace(discs[0], dataset="A"), replace(discs[1], dataset="B", name="disc0")]
    write_png(tmp_path / "disc0.png", discs[0].load().alpha)
    for pair in pairs:  # a bare name may be of either set, so it is of none
        with pytest.raises(ImageError, match="found neither"):
            stored_predictions(tmp_path, pairs)(pair.example())
    for pair in pairs:
        (tmp_path / pair.dataset).mkdir()
        write_png(tmp_path / pair.dataset / "disc0.png", pair.load().alpha)
    for pair in pairs:
        alpha = predict(stored_predictions(tmp_path, pairs), pair.example()).alpha
        np.testing.assert_allclose(alpha, pair.load().alpha / 255, atol=1e-6)
