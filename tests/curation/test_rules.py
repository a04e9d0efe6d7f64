import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matting.curation import edge_rules, matte_rules
from matting.curation.checks import CHECKS, measure
from matting.curation.pair import AnnotatedPair
from tests.curation.conftest import disc, disc_alpha, levels


@settings(max_examples=12)
@given(dx=st.floats(-14, 14), dy=st.floats(-14, 14))
def test_shifted_matte_is_misplaced(dx, dy):
    photo = disc(disc_alpha())
    score = edge_rules.misplaced_edge(AnnotatedPair(photo, levels(disc_alpha(x=256 + dx, y=256 + dy)))).score
    if np.hypot(dx, dy) > 7:
        assert score > 1.1
    if np.hypot(dx, dy) < 1.5:
        assert score < 1.02


@pytest.mark.parametrize("growth", [-9, -6, 6, 9])
def test_grown_and_shrunk_mattes_are_misplaced(growth):
    photo = disc(disc_alpha())
    assert edge_rules.misplaced_edge(AnnotatedPair(photo, levels(disc_alpha(radius=120 + growth)))).score > 1.2


def test_edge_without_a_change_in_the_photo_is_located():
    alpha = disc_alpha()
    half = alpha.copy()
    half[256:] = 0  # the lower half of the disc is missing: its straight edge is nowhere in the photo
    good = edge_rules.unsupported_edge(AnnotatedPair(disc(alpha), levels(alpha)))
    bad = edge_rules.unsupported_edge(AnnotatedPair(disc(alpha), levels(half)))
    assert good.score < 0.1 and not good.where.any()
    assert bad.score > 0.25
    rows = np.flatnonzero(bad.where.any(axis=1))
    assert rows.min() > 230 and rows.max() < 280


def strands() -> tuple[np.ndarray, np.ndarray]:
    """A disc of hair, streaked inside and with radial strands around it, and its true matte."""
    rows, columns = np.mgrid[:512, :512]
    radius, angle = np.hypot(columns - 256, rows - 256), np.arctan2(rows - 256, columns - 256)
    streaks = np.sin(90 * angle)
    hair = (streaks > 0.2) * np.clip((150 - radius) / 25, 0, 1) * 0.8
    alpha = cv2.GaussianBlur(np.maximum(disc_alpha(), hair).astype(np.float32), (0, 0), 0.8)
    colour = np.array([60.0, 45.0, 30.0]) * (1 + 0.5 * streaks[..., None])
    photo = alpha[..., None] * colour + (1 - alpha[..., None]) * 180
    return np.rint(photo).astype(np.uint8), alpha


@pytest.mark.parametrize("width", [1, 12])
def test_strands_in_the_photo_and_none_in_the_matte(width):
    photo, alpha = strands()
    kept = edge_rules.lost_strands(AnnotatedPair(photo, levels(alpha))).score
    lost = edge_rules.lost_strands(AnnotatedPair(photo, levels(disc_alpha(radius=124, width=width)))).score
    assert kept < 0.05
    assert lost > 0.3


def test_smooth_edge_of_a_smooth_thing_lost_nothing():
    alpha = disc_alpha(width=10)
    assert edge_rules.lost_strands(AnnotatedPair(disc(alpha), levels(alpha))).score < 0.05


def test_matte_of_nothing_and_of_everything_is_empty():
    photo = disc(disc_alpha())
    scores = [
        matte_rules.empty_matte(AnnotatedPair(photo, levels(disc_alpha(radius=radius, x=256))))[0]
        for radius in (0.0, 8.0, 10.0, 120.0, 400.0)
    ]
    assert scores[0] > 1 and scores[1] > 1 and scores[4] > 1  # 8 pixels' radius are less than a thousandth of 512 x 512
    assert scores[1] == pytest.approx(0.001 * 512**2 / (np.pi * 8**2), rel=0.05)
    assert scores[2] < 1 and scores[3] < 0.01


@given(x=st.floats(0, 512), y=st.floats(100, 512), radius=st.floats(30, 200))
@settings(max_examples=30)
def test_inverse_of_a_matte_is_inverted_and_the_matte_is_not(x, y, radius):
    """People may be cut by the left or right border and stand on the lower one."""
    alpha = levels(disc_alpha(radius, x, y))
    alpha[int(y) :, int(max(0, x - radius)) : int(x + radius)] = 255
    photo = np.zeros((*alpha.shape, 3), np.uint8)
    right, wrong = (matte_rules.inverted(AnnotatedPair(photo, one)).score for one in (alpha, 255 - alpha))
    assert right < 0 and (wrong > 0 or not radius < x < 512 - radius)


def test_mask_has_no_soft_edge():
    alpha = disc_alpha(width=2)
    mask = (alpha > 0.5).astype(np.float32)
    assert matte_rules.no_soft_edge(AnnotatedPair(disc(alpha), levels(alpha))).score == 0
    assert matte_rules.no_soft_edge(AnnotatedPair(disc(alpha), levels(mask))).score == 1


@pytest.mark.parametrize("steps", [2, 4, 8])
def test_posterised_matte_has_stair_steps(steps):
    alpha = disc_alpha(width=20)
    coarse = np.round(alpha * steps) / steps
    assert matte_rules.stair_steps(AnnotatedPair(disc(alpha), levels(alpha))).score < 0.1
    assert matte_rules.stair_steps(AnnotatedPair(disc(alpha), levels(coarse))).score > 0.9


def test_painted_pane_is_flat_and_a_gradient_is_not():
    alpha = disc_alpha(width=60)
    painted = alpha.copy()
    painted[200:300, 340:400] = 0.5
    assert matte_rules.flat_translucency(AnnotatedPair(disc(alpha), levels(alpha))).score < 0.1
    found = matte_rules.flat_translucency(AnnotatedPair(disc(alpha), levels(painted)))
    assert found.score > 5
    assert found.where[205:295, 345:395].all()


def test_specks_far_from_the_subject_and_deep_inside_it():
    alpha = disc_alpha()
    dirty = alpha.copy()
    dirty[20:24, 20:24] = 1
    dirty[30:34, 480:484] = 1
    dirty[254:258, 254:258] = 0
    clean, found = AnnotatedPair(disc(alpha), levels(alpha)), AnnotatedPair(disc(alpha), levels(dirty))
    assert (matte_rules.islands(clean).score, matte_rules.holes(clean).score) == (0, 0)
    assert (matte_rules.islands(found).score, matte_rules.holes(found).score) == (2, 1)


def test_pane_of_two_levels_counts_by_the_larger_and_a_veil_hardly():
    alpha = disc_alpha(width=2)
    halves, veil = alpha.copy(), alpha.copy()
    halves[200:300, 340:400], halves[200:300, 340:360] = 0.5, 0.6
    veil[200:300, 340:400] = np.linspace(0.3, 0.5, 100)[:, None]
    count = (alpha > 0.5).sum()
    score = matte_rules.flat_translucency(AnnotatedPair(disc(alpha), levels(halves))).score
    assert 100 * 30 * 90 / count < score < 100 * 40 * 100 / count
    assert matte_rules.flat_translucency(AnnotatedPair(disc(alpha), levels(veil))).score < 1


@pytest.mark.parametrize("spoil", [lambda a: np.where(a < 0.3, 0, a), lambda a: np.where(a > 0.3, 1, a)])
def test_hair_without_one_of_its_layers(spoil):
    photo, alpha = strands()
    whole = matte_rules.hair_layers(AnnotatedPair(photo, levels(alpha))).score
    assert matte_rules.hair_layers(AnnotatedPair(photo, levels(spoil(alpha)))).score > whole + 0.8


@pytest.mark.parametrize("amplitude", [3, 6])
def test_ragged_outline(amplitude):
    rows, columns = np.mgrid[:512, :512]
    angle = np.arctan2(rows - 256, columns - 256)
    wavy = np.clip(120 + amplitude * np.sin(60 * angle) - np.hypot(columns - 256, rows - 256) + 0.5, 0, 1)
    smooth, photo = disc_alpha(), disc(disc_alpha())
    found = matte_rules.ragged_edge(AnnotatedPair(photo, levels(wavy)))
    assert matte_rules.ragged_edge(AnnotatedPair(photo, levels(smooth))).score < 0.15
    assert found.score > 0.3
    assert found.where.any()


@pytest.mark.parametrize(("kind", "level", "score"), [
    (128, 0.5, 0), (128, 0.4, 0), (128, 0.6, 0), (128, 0.9, 1), (128, 0.1, 1), (255, 0.05, 0), (255, 0.5, 1),
])  # fmt: skip
def test_labelled_glass_has_the_opacity_of_glass(kind, level, score):
    alpha, regions = disc_alpha(), np.zeros((512, 512), np.uint8)
    alpha[240:260, 240:260], regions[240:260, 240:260] = level, kind
    found = matte_rules.wrong_translucency(AnnotatedPair(disc(alpha), levels(alpha), regions))
    assert found.score == score and found.where.sum() == 400 * score
    assert matte_rules.wrong_translucency(AnnotatedPair(disc(alpha), levels(alpha))).score == 0


def test_edges_of_motion_are_not_expected_at_one_place():
    alpha = disc_alpha(width=60)
    flat = np.full((512, 512, 3), 90, np.uint8)  # nothing at all is in the photo
    assert edge_rules.unsupported_edge(AnnotatedPair(flat, levels(alpha))).score == 0
    assert edge_rules.unsupported_edge(AnnotatedPair(flat, levels(disc_alpha(width=3)))).score == 1


@pytest.mark.parametrize("value", [0, 128, 255])
@pytest.mark.parametrize("shape", [(1, 1), (7, 40), (64, 64), (1080, 1920)])
def test_every_check_bears_every_matte(shape, value):
    alpha = np.full(shape, value, np.uint8)
    alpha[shape[0] // 11, shape[1] // 20 :: shape[1]] ^= 255  # one other pixel, which a smaller image may not have
    pair = AnnotatedPair(np.full((*shape, 3), 90, np.uint8), alpha)
    for name, finding in measure(pair).items():
        assert np.isfinite(finding.score) and (finding.score >= 0 or name == "inverted"), name
        assert finding.where is None or finding.where.shape == shape, name


def test_scores_do_not_depend_on_earlier_ones(portrait):
    together = measure(portrait)
    alone = {check.name: check.measure(AnnotatedPair(portrait.photo, portrait.alpha)) for check in reversed(CHECKS)}
    assert {name: finding.score for name, finding in together.items()} == {name: alone[name].score for name in together}
