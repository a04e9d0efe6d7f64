from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matting.models import AttentionUNet
from matting.training.optimizer import OptimizerSettings


def network():
    return AttentionUNet("test_resnet", pretrained=False, decoder_channels=(24, 16, 16, 8, 8))


def rates(settings, steps):
    """Learning rate of each step, for the encoder and for all other parameters."""
    built = settings.build(network(), steps)
    optimizer, schedule = built["optimizer"], built["lr_scheduler"]["scheduler"]
    history = []
    for _ in range(steps):
        by_part = {group["is_encoder"]: group["lr"] for group in optimizer.param_groups}
        history.append((by_part[True], by_part[False]))
        optimizer.step()
        schedule.step()
    return zip(*history, strict=True)


def test_every_parameter_is_in_one_group_and_only_matrices_decay():
    model = network()
    groups = OptimizerSettings().build(model, 10)["optimizer"].param_groups
    grouped = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(grouped) == sorted(id(parameter) for parameter in model.parameters())
    for group in groups:
        assert all((parameter.ndim > 1) == (group["weight_decay"] > 0) for parameter in group["params"])
    encoder = {id(parameter) for parameter in model.encoder.parameters()}
    assert {id(p) for group in groups if group["is_encoder"] for p in group["params"]} == encoder


def test_rate_rises_linearly_then_falls_by_a_cosine():
    _, rest = rates(OptimizerSettings(lr=0.1, warmup=0.2, final_lr_ratio=0.01), 50)
    assert rest[:10] == pytest.approx([0.01 * (step + 1) for step in range(10)])
    assert rest[29] == pytest.approx(0.1 * (0.01 + 0.99 * 0.5))  # halfway down
    assert all(later < earlier for earlier, later in pairwise(rest[9:]))
    assert rest[-1] == pytest.approx(0.1 * 0.01)


def test_the_encoder_is_slower_by_its_factor_and_frozen_at_first():
    encoder, rest = rates(OptimizerSettings(encoder_lr_mult=0.1, encoder_freeze=0.3), 20)
    assert encoder[:6] == (0,) * 6
    assert encoder[6:] == pytest.approx([0.1 * rate for rate in rest[6:]])


@given(st.integers(2, 500), st.floats(0, 0.5), st.floats(0, 1))
def test_the_last_step_has_the_final_rate(steps, warmup, final):
    assert OptimizerSettings(warmup=warmup, final_lr_ratio=final).rate(steps - 1, steps) == pytest.approx(final)


@given(st.integers(1, 500), st.floats(0, 1), st.floats(0, 1))
def test_rate_stays_between_zero_and_the_peak(steps, warmup, final):
    settings = OptimizerSettings(warmup=warmup, final_lr_ratio=final)
    assert all(0 <= settings.rate(step, steps) <= 1 + 1e-12 for step in range(steps + 3))
    assert 0 <= settings.frozen_steps(steps) <= steps


@pytest.mark.parametrize(
    ("name", "value"), [("warmup", 1.5), ("encoder_freeze", -0.1), ("lr", -1), ("final_lr_ratio", 2)]
)
def test_settings_that_make_no_sense_are_refused(name, value):
    with pytest.raises(ValueError, match=rf"optimizer\.{name}: expected .*, found {value}"):
        OptimizerSettings(**{name: value})
