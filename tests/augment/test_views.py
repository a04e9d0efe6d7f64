import pytest
import torch

from matting.augment import AugMix, Pipeline

from .conftest import make_batch


def test_views_differ_from_each_other_and_from_the_image_in_every_row() -> None:
    layers = make_batch(4, 32)  # severity 0: the image is clean, its views are not
    batch = Pipeline(32, augmix=AugMix(), views=2)(layers)
    plain = Pipeline(32, augmix=AugMix())(layers)
    assert batch.views.shape == (4, 2, 3, 32, 32) and plain.views.shape == (4, 0, 3, 32, 32)
    assert torch.equal(batch.image, plain.image)
    assert batch.views.min() >= 0 and batch.views.max() <= 1
    for one, other in ((0, 1), (0, None), (1, None)):
        second = batch.image if other is None else batch.views[:, other]
        assert (batch.views[:, one] != second).flatten(1).any(1).all()
    assert torch.equal(batch.views, Pipeline(32, augmix=AugMix(), views=2)(layers).views)


def test_views_need_augmix() -> None:
    with pytest.raises(ValueError, match="choose augment=augmix"):
        Pipeline(32, views=2)
