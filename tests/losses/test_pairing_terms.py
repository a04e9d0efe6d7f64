import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from matting.losses import PairConsistency, PairContrast, pair_consistency, pair_contrast, person_embedding


def random(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def consistency(preds, target, valid=None, pair=(0, 0, 1, 1)):
    valid = torch.ones_like(target) if valid is None else valid
    return pair_consistency(preds, target, valid, torch.tensor(pair))


@given(st.integers(0, 2**32 - 1))
def test_value_is_the_mean_difference_between_views(seed):
    preds, target = np.random.default_rng(seed).random((2, 4, 1, 3, 3))
    target[1], target[3] = target[0], target[2]
    expected = np.mean([np.abs(preds[0] - preds[1]), np.abs(preds[2] - preds[3])])
    assert consistency(torch.from_numpy(preds), torch.from_numpy(target)).item() == pytest.approx(expected)


def test_pairs_are_found_at_any_position_and_single_rows_count_as_zero():
    preds, target = random(5, 1, 4, 4), torch.zeros(5, 1, 4, 4, dtype=torch.float64)
    expected = (preds[1] - preds[2]).abs().mean() * 2 / 5  # averaged over rows, not pairs
    torch.testing.assert_close(consistency(preds, target, pair=(-1, 4, 4, -1, -1)), expected)
    assert consistency(preds, target, pair=(-1,) * 5).item() == 0
    assert consistency(preds[:1], target[:1], pair=(3,)).item() == 0


def test_equal_views_and_equal_errors_have_zero_loss():
    view, target = random(1, 1, 4, 4), random(4, 1, 4, 4, seed=1)
    assert consistency(view.expand(4, 1, 4, 4), target[[0, 0, 2, 2]]).item() == 0
    assert consistency(target, target).item() == 0  # also where blur made the two targets differ


@settings(max_examples=100)
@given(st.integers(0, 2**32 - 1))
def test_no_step_takes_an_alpha_away_from_the_truth(seed):
    preds, target = (torch.from_numpy(a) for a in np.random.default_rng(seed).random((2, 2, 1, 4, 4)))
    preds.requires_grad_()
    consistency(preds, target, pair=(0, 0)).backward()
    error, step = preds.detach() - target, -preds.grad
    assert (error * step).max() <= 0  # every gradient step points to the truth or is zero
    better = error.abs().argmin(dim=0, keepdim=True)
    assert step.gather(0, better).abs().max() == 0  # the better view has no gradient
    assert step.abs().amax(dim=0).min() > 0  # the other one has


def test_without_labels_both_views_move():
    preds = random(2, 1, 4, 4).requires_grad_()
    nothing = torch.zeros(2, 1, 4, 4, dtype=torch.float64)
    loss = pair_consistency(preds, random(2, 1, 4, 4, seed=1), nothing, torch.tensor([0, 0]))
    loss.backward()
    assert loss.item() == pytest.approx((preds[0] - preds[1]).abs().mean().item())
    torch.testing.assert_close(preds.grad[0], -preds.grad[1])
    assert preds.grad.abs().min() > 0


def test_consistency_gradients_without_labels():
    nothing = torch.zeros(4, 1, 3, 3, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda preds: consistency(preds, nothing, valid=nothing), random(4, 1, 3, 3).requires_grad_()
    )


def test_embedding_is_the_mean_feature_of_the_person():
    features, alpha = random(2, 5, 4, 4), random(2, 1, 16, 16, seed=1)
    share = alpha.numpy().reshape(2, 1, 4, 4, 4, 4).mean(axis=(3, 5))
    pooled = np.array(
        [np.average(f.reshape(5, -1), axis=1, weights=s.ravel()) for f, s in zip(features, share, strict=True)]
    )
    expected = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    np.testing.assert_allclose(person_embedding(features, alpha), expected)
    assert person_embedding(features, torch.zeros_like(alpha)).abs().max() == 0


def contrast_by_hand(embedding, person, scene, temperature):
    rows, losses = len(embedding), []
    similarity = embedding @ embedding.T / temperature
    for i in range(rows):
        positives = [j for j in range(rows) if person[j] == person[i] and scene[j] != scene[i]]
        others = [j for j in range(rows) if person[j] != person[i]]
        if positives:
            total = np.exp(similarity[i, positives + others]).sum()
            losses.append(np.mean([-np.log(np.exp(similarity[i, j]) / total) for j in positives]))
    return np.mean(losses) if losses else 0


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 2)), min_size=1, max_size=8),
    st.integers(0, 99),
    st.sampled_from([0.07, 0.1, 0.5]),
)
def test_contrast_against_loops(rows, seed, temperature):
    person, scene = np.array(rows).T
    embedding = np.random.default_rng(seed).normal(size=(len(rows), 6))
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    loss = pair_contrast(*map(torch.from_numpy, (embedding, person, scene)), temperature).item()
    assert loss == pytest.approx(contrast_by_hand(embedding, person, scene, temperature), abs=1e-9)


@pytest.mark.parametrize("scene", [[0, 1, 0, 1], [0, 0, 0, 0]])  # with and without positives
def test_contrast_gradients(scene):
    person, scene = torch.tensor([0, 0, 1, 1]), torch.tensor(scene)
    assert torch.autograd.gradcheck(lambda e: pair_contrast(e, person, scene, 0.5), random(4, 3).requires_grad_())


def test_contrast_attracts_the_person_and_repels_what_shares_the_scene():
    embedding = torch.nn.functional.normalize(random(3, 8), dim=1).requires_grad_()
    person, scene = torch.tensor([0, 0, 1]), torch.tensor([0, 1, 0])
    pair_contrast(embedding, person, scene).backward()
    step = -embedding.grad[0]
    assert step @ embedding[1] > 0 > step @ (embedding[2] - embedding[1])


def test_contrast_is_low_when_features_tell_people_and_high_when_they_tell_scenes(batch, guess):
    faces = torch.eye(6, dtype=torch.float64)[:, :, None, None].expand(6, 6, 8, 8)
    by_person, by_scene = faces[[0, 0, 1, 1]], faces[[0, 1, 0, 2]]
    term = PairContrast()
    assert term([guess._replace(features=by_person)], batch).item() < 1e-3
    assert term([guess._replace(features=by_scene)], batch).item() > 5


def test_pictures_without_a_person_are_left_out():
    embedding = torch.nn.functional.normalize(random(4, 5), dim=1)
    empty = torch.cat([embedding[:3], torch.zeros(1, 5)])
    person, scene = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 0, 1])
    torch.testing.assert_close(pair_contrast(empty, person, scene), pair_contrast(embedding[:3], person[:3], scene[:3]))


def test_unlabelled_rows_are_pooled_by_the_prediction_without_teaching_it(batch, guess):
    unlabelled = batch._replace(valid=torch.zeros_like(batch.valid))
    loss = PairContrast()([guess], unlabelled)
    loss.backward()
    expected = pair_contrast(person_embedding(guess.features, guess.alpha), batch.person, batch.scene)
    torch.testing.assert_close(loss, expected)
    assert guess.alpha.grad is None and guess.features.grad.abs().max() > 0


def test_consistency_term_is_zero_at_the_truth(batch, perfect, guess):
    assert PairConsistency()([perfect], batch).item() == 0
    assert PairConsistency()([guess], batch).item() > 0.1


def test_temperature_must_be_positive():
    with pytest.raises(ValueError, match="expected a temperature above 0, found 0"):
        PairContrast(temperature=0)
