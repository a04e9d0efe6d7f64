from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from matting.inference import Predictor, working_shape
from matting.models import AttentionUNet


class Output(NamedTuple):
    alpha: Tensor
    trimap_logits: Tensor


class Brightness(nn.Module):
    """Return the mean channel as matte, so that the result is known without training."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, image: Tensor) -> Output:
        assert not self.training and not torch.is_grad_enabled() and image.dtype == torch.float32
        self.shapes.append(tuple(image.shape))
        return Output(image.mean(1, keepdim=True), image)


def ramp_photo(height: int, width: int) -> np.ndarray:
    ramp = np.linspace(0, 255, width)[None, :, None] * np.ones((height, 1, 3))
    return ramp.astype(np.uint8)


@given(st.integers(1, 9000), st.integers(1, 9000), st.sampled_from([32, 160, 512, 1024]))
def test_working_shape_is_legal_bounded_and_keeps_the_aspect(height, width, size):
    shape = working_shape(height, width, size)
    assert max(shape) == size and all(side % 32 == 0 and side >= 32 for side in shape)
    exact = min(height, width) * size / max(height, width)
    assert abs(min(shape) - max(exact, 32)) <= 16


@pytest.mark.parametrize("size", [0, -32, 100, 31])
def test_working_size_must_be_a_multiple_of_32(size):
    with pytest.raises(ValueError, match=f"multiple of 32, found {size}"):
        Predictor(Brightness(), size=size, device="cpu")


@pytest.mark.parametrize(
    "device", ["toaster", "cuda:99x", "hpu", "mps" if not torch.backends.mps.is_available() else "x"]
)
def test_missing_devices_are_refused(device):
    with pytest.raises(ValueError, match=f"expected a .*'{device}'"):
        Predictor(Brightness(), size=64, device=device)


@settings(max_examples=25)
@given(st.integers(1, 300), st.integers(1, 300))
def test_a_matte_has_the_size_of_its_photo(height, width):
    alpha = Predictor(Brightness(), size=64, device="cpu").predict(ramp_photo(height, width))
    assert alpha.shape == (height, width) and alpha.dtype == np.float32
    assert alpha.min() >= 0 and alpha.max() <= 1


@pytest.mark.parametrize(("height", "width"), [(64, 48), (500, 380), (48, 61)])
def test_matte_stays_aligned_with_the_photo(height, width):
    image = ramp_photo(height, width)
    alpha = Predictor(Brightness(), size=64, device="cpu")(image)
    inner = slice(width // 8, -width // 8)  # a ramp bends at the borders of any interpolation
    assert np.abs(alpha - image[..., 0] / 255)[:, inner].max() < 0.02


def test_downsampling_averages_the_area():
    checker = np.indices((512, 512)).sum(0) % 2 * np.uint8(255)
    alpha = Predictor(Brightness(), size=64, device="cpu").predict(np.dstack([checker.astype(np.uint8)] * 3))
    assert np.abs(alpha - 0.5).max() < 0.01


def test_batch_equals_single_and_groups_by_working_shape():
    model = Brightness()
    images = [ramp_photo(100, 80), ramp_photo(80, 100), ramp_photo(200, 160)]
    predictor = Predictor(model, size=96, device="cpu")
    together = predictor.predict_batch(images)
    assert sorted(shape[0] for shape in model.shapes) == [1, 2]
    for image, alpha in zip(images, together, strict=True):
        np.testing.assert_allclose(alpha, predictor.predict(image), atol=1e-6)


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8)],
)
def test_other_arrays_are_refused(image):
    with pytest.raises(ValueError, match=r"expected a photo \(H, W, 3\) uint8"):
        Predictor(Brightness(), size=64, device="cpu").predict(image)


def test_the_models_fusion_is_applied():
    class Sure(Brightness):
        """Its trimap head predicts foreground everywhere."""

        fusion = "snap"

        def forward(self, image: Tensor) -> Output:
            return Output(super().forward(image).alpha, torch.tensor([0.0, 0.0, 9.0])[:, None, None] + 0 * image)

    assert Predictor(Sure(), size=64, device="cpu").predict(ramp_photo(90, 70)).min() > 1 - 1e-6


def test_bfloat16_changes_alpha_little():
    torch.manual_seed(0)
    model = AttentionUNet("test_resnet", False, decoder_channels=(16, 16, 8, 8, 8))
    image = np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)
    exact = Predictor(model, size=96, device="cpu").predict(image)
    assert np.abs(Predictor(model, size=96, device="cpu", precision="bfloat16").predict(image) - exact).max() < 0.02
