import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from matting.losses import Gradient, LaplacianPyramid, gradient_loss, laplacian_pyramid_loss

TAPS = np.array([1, 4, 6, 4, 1]) / 16


def blur(image):
    return ndimage.correlate1d(ndimage.correlate1d(image, TAPS, 0, mode="nearest"), TAPS, 1, mode="nearest")


def expand(image):
    """Zeros between the samples, then the kernel at four times the gain; the edge is replicated before, not after."""
    padded = np.pad(image, 2, mode="edge")
    spaced = np.zeros([2 * side for side in padded.shape])
    spaced[::2, ::2] = padded
    return 4 * blur(spaced)[4:-4, 4:-4]


def pyramid(image, levels):
    bands = []
    for _ in range(levels):
        coarser = blur(image)[::2, ::2]
        bands.append(image - expand(coarser)[: image.shape[0], : image.shape[1]])
        image = coarser
    return bands


def random(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(("levels", "shape"), [(1, (8, 6)), (3, (16, 24)), (5, (32, 64)), (4, (24, 13))])
def test_laplacian_pyramid_against_scipy(levels, shape):
    preds, target = random(2, 1, *shape), random(2, 1, *shape, seed=1)
    both = [[pyramid(image[0].numpy(), levels) for image in images] for images in (preds, target)]
    expected = (
        sum(
            2**level * np.sum([np.abs(p[level] - t[level]).sum() for p, t in zip(*both, strict=True)])
            for level in range(levels)
        )
        / preds.numel()
    )
    loss = laplacian_pyramid_loss(preds, target, torch.ones_like(preds), levels)
    assert loss.item() == pytest.approx(expected)


@settings(max_examples=20)
@given(st.floats(-1, 1))
def test_a_constant_error_is_no_detail(offset):
    target = random(1, 1, 32, 32)
    for loss in (laplacian_pyramid_loss, gradient_loss):
        assert loss(target + offset, target, torch.ones_like(target)).item() == pytest.approx(0, abs=1e-12)


def test_gradient_against_numpy():
    preds, target = random(2, 1, 6, 7), random(2, 1, 6, 7, seed=1)
    expected = sum(
        np.abs(np.diff(preds.numpy(), axis=axis) - np.diff(target.numpy(), axis=axis)).mean() for axis in (2, 3)
    )
    assert gradient_loss(preds, target, torch.ones_like(preds)).item() == pytest.approx(expected)


@pytest.mark.parametrize("loss", [laplacian_pyramid_loss, gradient_loss])
def test_rotated_and_mirrored_images_have_the_same_loss(loss):
    preds, target, valid = random(1, 1, 32, 32), random(1, 1, 32, 32, seed=1), random(1, 1, 32, 32, seed=2).round()
    turned = [image.transpose(2, 3) for image in (preds, target, valid)]
    assert loss(*turned).item() == pytest.approx(loss(preds, target, valid).item())
    if loss is gradient_loss:  # sampling every second pixel from the left is not symmetric
        mirrored = [image.flip(3) for image in (preds, target, valid)]
        assert loss(*mirrored).item() == pytest.approx(loss(preds, target, valid).item())


def test_pyramid_sees_lost_hair_more_than_a_mean_error_does():
    """A lost hair and a faint veil of the same mean error: only the hair is detail."""
    target, hair = torch.zeros(1, 1, 64, 64), torch.zeros(1, 1, 64, 64)
    hair[..., 32] = 1
    veil = torch.full_like(hair, hair.mean().item())
    losses = [laplacian_pyramid_loss(preds, target, torch.ones_like(target)).item() for preds in (hair, veil)]
    assert losses[0] > hair.mean() and losses[1] < 1e-6


@pytest.mark.parametrize("loss", [lambda *args: laplacian_pyramid_loss(*args, levels=3), gradient_loss])
def test_gradients(loss):
    target, valid = random(1, 1, 8, 8, seed=1), torch.ones(1, 1, 8, 8)
    assert torch.autograd.gradcheck(lambda preds: loss(preds, target, valid), random(1, 1, 8, 8).requires_grad_())


@pytest.mark.parametrize("term", [LaplacianPyramid(), Gradient()])
def test_terms_are_zero_at_the_truth_and_above_elsewhere(term, batch, perfect, guess):
    assert term([perfect], batch).item() == 0
    assert term([guess], batch).item() > 0.1
