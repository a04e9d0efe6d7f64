import pytest
import torch

from matting.augment import AugMix, CameraBlur, LayerGaps, Phone, Pipeline, Warp
from matting.batch import LayerBatch, TrainingBatch

from .conftest import make_batch


def rows(batch: LayerBatch, index: list[int]) -> LayerBatch:
    return LayerBatch(*(field[index] for field in batch))


def assert_equal(left: TrainingBatch, right: TrainingBatch) -> None:
    for name, one, other in zip(TrainingBatch._fields, left, right, strict=True):
        assert torch.equal(one, other), name


def everything(warp: Warp | None, **options: object) -> Pipeline:
    return Pipeline(
        32,
        warp=warp,
        gaps=LayerGaps(denoise=0.5, noise=0.5, defocus=0.5, light=0.5),
        blur=CameraBlur(p=0.7, subject=0.5, alpha="blurred"),
        augmix=AugMix(),
        phone=Phone(low_resolution=0.5, screenshot=0.5),
        trimap_radius=(1, 3),
        **options,  # type: ignore[arg-type]
    )


PIPELINES = [
    Pipeline.plain(32, trimap_radius=2),
    Pipeline(32, Warp(), trimap_radius=(1, 3)),
    everything(Warp()),
    everything(None, linear_light=True),
]


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_shapes_types_and_ranges(pipeline: Pipeline) -> None:
    layers = make_batch(severity=0.7)
    batch = pipeline(layers)
    for field, channels in ((batch.image, 3), (batch.foreground, 3), (batch.background, 3), (batch.alpha, 1)):
        assert field.shape == (4, channels, 32, 32) and field.dtype == torch.float32
        assert field.min() >= 0 and field.max() <= 1
    assert batch.trimap.shape == (4, 32, 32) and batch.trimap.dtype == torch.int64
    assert set(batch.trimap.unique().tolist()) == {0, 1, 2}
    assert torch.equal(batch.valid, torch.ones(4, 1, 32, 32))
    assert torch.equal(batch.person, layers.person) and torch.equal(batch.pair, layers.pair)


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_a_row_is_the_same_in_any_batch_and_order(pipeline: Pipeline) -> None:
    layer_batch = make_batch(severity=0.7)
    whole = pipeline(layer_batch)
    shuffled = pipeline(rows(layer_batch, [2, 0, 3, 1]))
    assert_equal(TrainingBatch(*(field[[2, 0, 3, 1]] for field in whole)), shuffled)
    halves = [pipeline(rows(layer_batch, half)) for half in ([0, 1], [2, 3])]
    assert_equal(whole, TrainingBatch(*(torch.cat(pair) for pair in zip(*halves, strict=True))))


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_the_process_s_random_state_is_neither_read_nor_changed(pipeline: Pipeline) -> None:
    layers = make_batch(severity=1.0)
    torch.manual_seed(0)
    first, state = pipeline(layers), torch.get_rng_state()
    torch.manual_seed(1)
    assert_equal(first, pipeline(layers))
    torch.manual_seed(0)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("warp", [None, Warp()])
def test_severity_zero_is_the_undegraded_pipeline_bit_for_bit(warp: Warp | None) -> None:
    severity = torch.tensor([0.0, 1.0] * 4)
    layers = make_batch(8)
    clean = Pipeline(32, warp, trimap_radius=(1, 3))(layers)
    degraded = everything(warp)(layers._replace(severity=severity))
    assert_equal(TrainingBatch(*(field[::2] for field in clean)), TrainingBatch(*(field[::2] for field in degraded)))
    assert (clean.image[1::2] != degraded.image[1::2]).flatten(1).any(1).all()


def test_photometric_steps_leave_everything_but_the_image_alone() -> None:
    layers = make_batch(8, severity=1.0)
    clean = Pipeline(32, Warp())(layers)
    photometric = Pipeline(
        32, Warp(), LayerGaps(1, 1, 1, 1), CameraBlur(p=1, subject=0), AugMix(), Phone(low_resolution=1)
    )(layers)
    assert_equal(clean, photometric._replace(image=clean.image))


def test_without_a_warp_a_fitting_crop_is_composited_bit_for_bit() -> None:
    layers = make_batch(2, 32)
    photo = layers._replace(foreground=layers.background)
    assert torch.equal(Pipeline.plain(32)(photo).image, layers.background / 255)
    assert torch.equal(Pipeline.plain(32)(layers).alpha, layers.alpha / 255)


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_views_of_a_pair_share_geometry_matte_and_trimap(pipeline: Pipeline) -> None:
    layers = make_batch(16, 48, severity=1.0)
    seed = torch.arange(8).repeat_interleave(2)
    layers = layers._replace(seed=seed, view=torch.tensor([0, 1] * 8), pair=seed)
    layers.background[1::2] = 255 - layers.background[1::2]
    batch = pipeline(layers)
    for field in (batch.alpha, batch.trimap, batch.foreground):
        assert torch.equal(field[::2], field[1::2])
    assert (batch.image[::2] != batch.image[1::2]).flatten(1).any(1).all()


@pytest.mark.parametrize("first", [0, 1])
def test_the_subject_of_a_composite_stays_where_its_partner_is_a_photo(first: int) -> None:
    layers = make_batch(16, 48, severity=1.0)
    seed = torch.arange(8).repeat_interleave(2)
    layers = layers._replace(seed=seed, view=torch.tensor([0, 1] * 8), pair=seed)
    layers.foreground[first:8:2] = layers.background[first:8:2]  # the first four pairs have a photo
    pipeline = Pipeline(48, blur=CameraBlur(p=1, subject=1))
    alpha = pipeline(layers).alpha
    assert torch.equal(alpha[::2], alpha[1::2])
    assert torch.equal(alpha[:8], layers.alpha[:8] / 255)
    assert (alpha[8:] != layers.alpha[8:] / 255).flatten(1).any(1).all()
    alone = pipeline(layers._replace(pair=torch.full((16,), -1))).alpha
    assert (alone[1 - first : 8 : 2] != layers.alpha[1 - first : 8 : 2] / 255).flatten(1).any(1).all()


def test_views_of_one_background_differ_in_appearance() -> None:
    layers = make_batch(2, 48, severity=1.0)._replace(seed=torch.tensor([5, 5]), view=torch.tensor([0, 1]))
    batch = Pipeline(32, Warp(), augmix=AugMix())(layers)
    assert torch.equal(batch.background[0], batch.background[1])
    assert not torch.equal(batch.image[0], batch.image[1])


def test_what_the_annotation_ignores_is_warped_along(layer_batch: LayerBatch) -> None:
    ignore = layer_batch.ignore.clone()
    ignore[:, :, :, 24:] = 1
    still = Warp(flip=0, scale=(1, 1), degrees=0, shift=0, perspective=0, center_on_unknown=0)
    valid = Pipeline(32, still)(layer_batch._replace(ignore=ignore)).valid
    assert (valid[..., :16] == 1).all() and (valid[..., 16:] == 0).all()


def test_the_trimap_radius_is_drawn_per_row_within_its_bounds() -> None:
    layers = make_batch(32, 48)
    still = [Pipeline(48, trimap_radius=bounds)(layers).trimap == 1 for bounds in ((2, 2), (2, 6), (6, 6))]
    widths = [unknown.flatten(1).sum(1) for unknown in still]
    assert (widths[0] <= widths[1]).all() and (widths[1] <= widths[2]).all()
    assert widths[1].unique().numel() == 5


def test_the_module_has_nothing_to_move_or_save() -> None:
    assert not list(PIPELINES[1].parameters()) and not list(PIPELINES[1].buffers())


@pytest.mark.parametrize("bad", [{"size": 0}, {"size": 8, "trimap_radius": (4, 2)}])
def test_bad_arguments_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected"):
        Pipeline(**bad)  # type: ignore[arg-type]


def test_floats_and_oblong_crops_are_refused(layer_batch: LayerBatch) -> None:
    with pytest.raises(ValueError, match="square uint8"):
        PIPELINES[0](layer_batch._replace(foreground=layer_batch.foreground.float()))
    with pytest.raises(ValueError, match="square uint8"):
        PIPELINES[0](layer_batch._replace(foreground=layer_batch.foreground[..., :40]))
