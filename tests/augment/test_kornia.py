"""The degradations as augmentations of Kornia's, alone and in its containers."""

import pytest
import torch
from kornia.augmentation import AugmentationSequential, RandomHorizontalFlip

from matting.augment import AugMix, CameraBlur, Degradation, LayeredImage, Phone, Pipeline
from matting.augment.randomness import Keys

from .conftest import make_batch
from .test_no_sync import Forbid

AUGMENTATIONS = [AugMix(), CameraBlur(p=1.0), CameraBlur(alpha="blurred", p=1.0), Phone(1.0, 1.0)]
SEEDS, SEVERITY = torch.arange(6) * 17, torch.linspace(0, 1, 6)


def images(rows: int = 6, height: int = 40, width: int = 56) -> torch.Tensor:
    return torch.rand(rows, 3, height, width, generator=torch.Generator().manual_seed(8))


def masks() -> torch.Tensor:
    return (images()[:, :1] > 0.4).float()


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
def test_a_container_takes_images_and_mattes_of_any_shape(augmentation: Degradation) -> None:
    container = AugmentationSequential(RandomHorizontalFlip(p=1.0), augmentation, data_keys=["input", "mask"])
    found, mask = container(images(), masks())
    assert found.shape == images().shape and mask.shape == masks().shape
    assert found.min() >= 0 and found.max() <= 1
    assert (found != images().flip(3)).flatten(1).any(1).all()
    again, mask_again = container(images(), masks(), params=container._params)
    assert torch.equal(found, again) and torch.equal(mask, mask_again)
    assert not torch.equal(found, container(images(), masks())[0])


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
def test_image_and_matte_are_what_the_pipeline_makes_of_a_photo(augmentation: Degradation) -> None:
    params = {"seed": SEEDS, "severity": SEVERITY}
    container = AugmentationSequential(augmentation, data_keys=["input", "mask"])
    items = container.forward_parameters(images().shape)
    found, mask = container(images(), masks(), params=[items[0]._replace(data={**items[0].data, **params})])
    keys = Keys.of(SEEDS, torch.zeros_like(SEEDS))
    planned = augmentation.planned(LayeredImage(images(), masks(), images(), images()), keys, SEVERITY)
    assert torch.equal(found, planned.image)
    torch.testing.assert_close(mask, planned.alpha, atol=1e-6, rtol=0)
    assert torch.equal(found[0], images()[0]) and torch.equal(mask[0], masks()[0])


def test_the_pipeline_calls_the_same_function() -> None:
    layers = make_batch(6, 48)._replace(seed=SEEDS, severity=SEVERITY)
    expected = Pipeline(48, augmix=AugMix())(layers).image
    found = AugMix()(Pipeline.plain(48)(layers).image, params={"seed": SEEDS, "severity": SEVERITY})
    assert torch.equal(found, expected)


@pytest.mark.parametrize("augmentation", AUGMENTATIONS[1:])
def test_only_what_covers_or_blurs_the_person_changes_the_matte(augmentation: Degradation) -> None:
    _, mask = AugmentationSequential(augmentation, data_keys=["input", "mask"])(images(), masks())
    sharp = isinstance(augmentation, CameraBlur) and augmentation.alpha == "sharp"
    assert torch.equal(mask, masks()) if sharp else (mask != masks()).flatten(1).any(1).all()


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
def test_parameters_are_generated_apart_from_applying(augmentation: Degradation) -> None:
    torch.manual_seed(0)
    params = augmentation.forward_parameters(images().shape)
    applied = augmentation(images(), params=params)
    torch.manual_seed(0)
    assert torch.equal(applied, augmentation(images()))
    assert len(params["seed"].unique()) == 6
    assert torch.equal(augmentation(images(), params=params, severity=torch.zeros(6)), images())


@pytest.mark.parametrize("kind", [AugMix, CameraBlur])
def test_p_and_same_on_batch(kind: type[Degradation]) -> None:
    equal = images(1).expand(64, -1, -1, -1)[..., :24, :24]
    touched = (kind(p=0.5)(equal) != equal).flatten(1).any(1).sum()
    assert 18 <= touched <= 46  # binomial(64, 1/2) within 3.5 sigma
    assert torch.equal(kind(p=0.0)(equal), equal)
    same = kind(p=1.0, same_on_batch=True)(equal)
    torch.testing.assert_close(same, same[:1].expand_as(same), atol=1e-6, rtol=0)
    assert not torch.equal(same[0], equal[0])
    layers = LayeredImage(equal, equal[:, :1], equal, equal)
    keys = Keys.of(torch.arange(64), torch.zeros(64, dtype=torch.int64))
    planned = kind(p=0.5).planned(layers, keys, torch.ones(64)).image
    assert 18 <= (planned != equal).flatten(1).any(1).sum() <= 46


def test_one_image_half_precision_and_gray_images() -> None:
    augmix = AugMix(keepdim=True)
    assert augmix(images()[0]).shape == (3, 40, 56)
    assert augmix(images().half()).dtype == torch.float16
    with pytest.raises(ValueError, match="expected RGB images"):
        augmix(images()[:, :1])


@pytest.mark.usefixtures("uncounted")
@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
def test_an_augmentation_reads_nothing_on_the_host(augmentation: Degradation) -> None:
    augmentation(images())  # constants are made once per device
    with Forbid():
        augmentation(images(), params={"seed": SEEDS, "severity": SEVERITY})
