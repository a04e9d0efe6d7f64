import numpy as np
import pytest
import torch
from scipy import stats

from matting.augment import ARTICLE_OPERATIONS, PUBLISHED_OPERATIONS, AugMix
from matting.augment.randomness import Stream, between, dirichlet, fold, uniform

KEYS = torch.arange(12) * 31 + 5


def image(rows: int = 12, side: int = 32) -> torch.Tensor:
    return torch.rand(rows, 3, side, side, generator=torch.Generator().manual_seed(3))


def slow_augmix(augmix: AugMix, clean: torch.Tensor, key: torch.Tensor, severity: torch.Tensor) -> np.ndarray:
    """AugMix as the paper writes it: one image, one chain, one operation after the other, mixed in float64."""
    key = fold(key, Stream.AUGMIX)
    count = len(augmix.operations)
    lengths = augmix._lengths(fold(key, 0))[0].tolist()
    weights = dirichlet(fold(key, 1), augmix.concentration, augmix.width)[0].double().numpy()
    share = dirichlet(fold(key, 2), augmix.concentration, 2)[0, 0].double().item()
    mixture = np.zeros(clean.shape[1:])
    for chain in range(augmix.width):
        state = clean
        for depth in range(lengths[chain]):
            step = fold(fold(key, 3), depth)
            index = int(np.argsort(uniform(fold(step, 0), count)[0].numpy())[chain])
            own = fold(step, index + 1)
            strength = severity * between(fold(own, 0), 0.1, augmix.severity) / 10
            state = augmix.operations[index](state, strength, fold(own, 1))
        mixture += weights[chain] * state[0].double().numpy()
    return (1 - share) * clean[0].double().numpy() + share * mixture


@pytest.mark.parametrize(
    "augmix",
    [AugMix(), AugMix(depth=2, width=4), AugMix(PUBLISHED_OPERATIONS, severity=10.0), AugMix(concentration=0.4)],
)
def test_against_a_slow_version_per_image(augmix: AugMix) -> None:
    images, severity = image(), torch.linspace(0.1, 1, 12)
    found = augmix.mix(images, KEYS, severity)
    for row in range(12):
        one = slice(row, row + 1)
        expected = slow_augmix(augmix, images[one], KEYS[one], severity[one])
        # a value that lies on a rounding edge of JPEG may fall to either side, a few pixels in a image
        difference = np.abs(found[row].double().numpy() - expected)
        assert difference.mean() < 1e-4 and np.quantile(difference, 0.99) < 1e-4


def test_severity_zero_returns_the_image_bit_for_bit() -> None:
    severity = torch.tensor([0.0, 0.5] * 6)
    found = AugMix().mix(image(), KEYS, severity)
    assert torch.equal(found[::2], image()[::2])
    assert (found[1::2] - image()[1::2]).abs().amax(dim=(1, 2, 3)).min() > 0


def rows_seen_by_the_operations() -> list[int]:
    calls = []

    def spy(image: torch.Tensor, strength: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        calls.append(len(image))
        return image

    AugMix([spy] * 4).mix(image(), KEYS, torch.ones(12))
    return calls


@pytest.mark.usefixtures("uncounted")
def test_where_rows_cannot_be_counted_an_operation_sees_the_whole_batch_once_a_depth() -> None:
    assert rows_seen_by_the_operations() == [12] * 12  # four operations, three depths


def test_on_a_cpu_an_operation_sees_only_the_rows_that_take_it() -> None:
    lengths = AugMix()._lengths(fold(fold(KEYS, Stream.AUGMIX), 0))
    assert sum(rows_seen_by_the_operations()) == int(lengths.sum())


def test_every_chain_draws_depth_and_operations_as_published() -> None:
    rows, width = 6000, 3
    marks = [lambda image, strength, key, base=base: image * 5 + base for base in (1, 2, 3, 4)]
    chains = AugMix(marks)._chains(torch.zeros(rows, 3, 1, 1), torch.arange(rows), torch.ones(rows))[:, :, 0, 0, 0]
    codes = chains.long().numpy()  # digits in base five: the operations of the chain, the last one lowest
    digits = np.stack([codes // 25, codes // 5 % 5, codes % 5])
    lengths = (codes > 0).astype(int) + (codes >= 5) + (codes >= 25)
    for chain in range(width):
        assert stats.chisquare(np.bincount(lengths[:, chain], minlength=4)[1:]).pvalue > 1e-4
        last = digits[2, :, chain]
        assert stats.chisquare(np.bincount(last, minlength=5)[1:]).pvalue > 1e-4
        deep = lengths[:, chain] >= 2
        pairs = digits[1, deep, chain] * 4 + digits[2, deep, chain]
        assert stats.chisquare(np.bincount(pairs, minlength=21)[5:]).pvalue > 1e-4
    single = (lengths == 1).all(axis=1)
    assert (digits[2, single, 0] != digits[2, single, 1]).all()  # without replacement within a depth


def test_the_mixture_is_the_published_convex_combination() -> None:
    constant = [lambda image, strength, key, value=value: torch.full_like(image, value) for value in (0.2, 0.4, 0.9)]
    found = AugMix(constant, depth=1).mix(torch.zeros(4000, 3, 1, 1), torch.arange(4000), torch.ones(4000))[:, 0, 0, 0]
    weights = np.random.default_rng(0).dirichlet(np.ones(3), 4000) @ np.array([0.2, 0.4, 0.9])
    expected = weights * np.random.default_rng(1).beta(1, 1, 4000)
    assert stats.ks_2samp(found.numpy(), expected).pvalue > 1e-4


def test_levels_scale_with_the_severity_of_the_row() -> None:
    seen = []

    def spy(image: torch.Tensor, strength: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        seen.append(strength)
        return image

    augmix = AugMix([spy], width=1, depth=1, severity=5.0)
    keys = torch.arange(2000)
    augmix.mix(torch.zeros(2000, 3, 1, 1), keys, torch.ones(2000))
    augmix.mix(torch.zeros(2000, 3, 1, 1), keys, torch.full((2000,), 0.25))
    assert (
        seen[0].min() >= 0.01 and seen[0].max() <= 0.5 and stats.kstest(seen[0], "uniform", (0.01, 0.49)).pvalue > 1e-4
    )
    torch.testing.assert_close(seen[1], seen[0] / 4)


@pytest.mark.parametrize("bad", [{"width": 0}, {"width": 5}, {"depth": 0}, {"severity": 11.0}, {"p": 1.5}])
def test_bad_arguments_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        AugMix(ARTICLE_OPERATIONS, **bad)  # type: ignore[arg-type]
