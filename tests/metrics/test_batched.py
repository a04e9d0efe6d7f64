import numpy as np
import pytest
import torch

from matting.metrics import batched, functional

NAMES = ("sad", "mse", "mad", "grad")


def batch(seed=0, size=(3, 1, 40, 56)):
    generator = torch.Generator().manual_seed(seed)
    soft = torch.nn.functional.interpolate(torch.rand(*size[:2], 6, 8, generator=generator), size[2:], mode="bicubic")
    target = (soft * 2 - 0.5).clamp(0, 1)
    preds = (target * 0.9 + 0.08 * torch.rand(size, generator=generator)).clamp(0, 1)
    return preds, target


def one_by_one(name, preds, target, mask=None, **options):
    ignore = [None] * len(preds) if mask is None else mask[:, 0] == 0
    metric = getattr(functional, name)
    return torch.tensor(
        [metric(p, g, ignore=i, **options) for p, g, i in zip(preds[:, 0], target[:, 0], ignore, strict=True)]
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["float32", "float64", "uint8", "mixed"])
@pytest.mark.parametrize("masked", [False, True])
def test_batch_equals_the_images_one_by_one(name, form, masked):
    preds, target = batch()
    codes = [(alpha * 255).round().byte() for alpha in (preds, target)]
    pair = {"float32": (preds, target), "float64": (preds.double(), target.double()), "uint8": codes}
    preds, target = pair.get(form, (preds, codes[1]))
    mask = torch.rand(3, 1, 40, 56, generator=torch.Generator().manual_seed(2)) < 0.4 if masked else None
    values = getattr(batched, name)(preds, target, mask)
    torch.testing.assert_close(values.float(), one_by_one(name, preds, target, mask), rtol=3e-6, atol=1e-9)
    squeezed = getattr(batched, name)(preds[:, 0], target, None if mask is None else mask[:, 0].int())
    torch.testing.assert_close(squeezed, values)


@pytest.mark.parametrize("size", [(2, 1, 5, 4), (1, 1, 30, 7)])
def test_p3m_gradient_also_where_the_kernel_is_wider_than_the_image(size):
    preds, target = batch(1, size)
    values = batched.grad(preds, target, protocol="p3m")
    torch.testing.assert_close(values, one_by_one("grad", preds, target, protocol="p3m"), rtol=3e-6, atol=1e-9)


def test_constant_images_and_empty_masks_are_zero_not_nan():
    flat, _ = torch.full((2, 1, 20, 20), 0.3), None
    preds, target = batch(1, (2, 1, 20, 20))
    assert batched.grad(flat, flat * 2).tolist() == [0, 0]
    torch.testing.assert_close(batched.grad(flat, target), one_by_one("grad", flat, target), rtol=1e-5, atol=1e-9)
    for name in NAMES:
        assert getattr(batched, name)(preds, target, torch.zeros_like(target)).tolist() == [0, 0]


def test_a_bad_image_spoils_only_its_own_value():
    preds, target = batch()
    preds[1, 0, 3, 3] = torch.nan
    for name in NAMES:
        assert getattr(batched, name)(preds, target).isnan().tolist() == [False, True, False]


def test_precision_does_not_follow_autocast():
    preds, target = batch()
    expected = batched.grad(preds, target)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(batched.grad(preds, target), expected)


def test_shapes_and_dtypes_are_refused():
    preds, target = batch()
    with pytest.raises(ValueError, match=r"preds: expected shape \(B, 1, H, W\)"):
        batched.sad(preds.expand(-1, 3, -1, -1), target)
    with pytest.raises(ValueError, match="preds: expected the shape of target"):
        batched.sad(preds[:2], target)
    with pytest.raises(ValueError, match="mask: expected the shape of target"):
        batched.mse(preds, target, target[..., :5])
    with pytest.raises(TypeError, match=r"found torch\.int64"):
        batched.mad(preds, target.long())
    with pytest.raises(ValueError, match="found 'mine'"):
        batched.grad(preds, target, protocol="mine")


def test_values_agree_with_numpy():
    preds, target = batch()
    error = (preds - target).double().numpy()[:, 0]
    np.testing.assert_allclose(batched.sad(preds, target), np.abs(error).sum((1, 2)) / 1000, rtol=1e-5)
    np.testing.assert_allclose(batched.mse(preds, target), (error**2).mean((1, 2)), rtol=1e-5)
