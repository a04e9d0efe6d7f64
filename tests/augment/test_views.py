import torch

from matting.augment import AugMix, Pipeline, consistency_views

from .conftest import make_batch


def test_views_differ_from_each_other_and_from_the_clean_picture() -> None:
    layers = make_batch(4, 32)
    clean = Pipeline.plain(32)(layers)
    severity = torch.tensor([0.0, 1.0, 1.0, 1.0])
    views = consistency_views(clean, layers._replace(severity=severity), AugMix(), count=2)
    assert views.shape == (2, 4, 3, 32, 32)
    assert torch.equal(views[:, 0], clean.image[0].expand(2, -1, -1, -1))
    for one, other in ((views[0], views[1]), (views[0], clean.image), (views[1], clean.image)):
        assert (one[1:] != other[1:]).flatten(1).any(1).all()
    again = consistency_views(clean, layers._replace(severity=severity), AugMix(), count=2)
    assert torch.equal(views, again)
