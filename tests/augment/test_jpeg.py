import cv2
import numpy as np
import pytest
import torch

from matting.augment import jpeg
from matting.augment.jpeg import _dct_basis

QUALITIES = (10, 30, 50, 75, 90, 95)


def photo(height: int = 96, width: int = 112) -> np.ndarray:
    noise = np.random.default_rng(0).random((height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2)
    smooth = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    smooth[height // 3 : height // 2, width // 4 :] = (0.9, 0.2, 0.1)  # a hard coloured edge
    return (smooth * 255).round().astype(np.uint8)


def opencv(image: np.ndarray, quality: int) -> np.ndarray:
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1].astype(np.float64)


def ours(image: np.ndarray, qualities: tuple[int, ...]) -> np.ndarray:
    rows = torch.from_numpy(image).permute(2, 0, 1).expand(len(qualities), -1, -1, -1) / 255
    return (jpeg(rows, torch.tensor(qualities).float()) * 255).permute(0, 2, 3, 1).numpy()


@pytest.mark.parametrize("shape", [(96, 112), (90, 101)])
def test_against_opencv_at_each_row_s_own_quality(shape: tuple[int, int]) -> None:
    image = photo(*shape)
    for quality, found in zip(QUALITIES, ours(image, QUALITIES), strict=True):
        expected = opencv(image, quality)
        loss = np.abs(expected - image).mean()
        difference = np.abs(found - expected)
        assert difference.mean() < 0.15 * loss + 0.6  # integer arithmetic in the codec; what it loses is ten times that
        assert np.abs(np.abs(found - image).mean() - loss) < 0.05 * loss + 0.1


def test_a_low_quality_loses_more() -> None:
    image = photo()
    losses = np.abs(ours(image, QUALITIES) - image).mean(axis=(1, 2, 3))
    assert (np.diff(losses) < 0).all()


def test_flat_gray_survives_any_quality() -> None:
    gray = torch.full((2, 3, 20, 20), 128 / 255)
    torch.testing.assert_close(jpeg(gray, torch.tensor([1.0, 100.0])), gray)


def test_the_basis_is_the_orthonormal_dct() -> None:
    basis = _dct_basis(torch.device("cpu"))
    torch.testing.assert_close(basis @ basis.T, torch.eye(64), atol=1e-6, rtol=0)
    block = np.random.default_rng(1).random((8, 8)).astype(np.float32)
    np.testing.assert_allclose(
        (basis @ torch.from_numpy(block).flatten()).view(8, 8).numpy(), cv2.dct(block), atol=1e-5
    )
