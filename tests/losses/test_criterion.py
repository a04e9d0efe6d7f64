import pytest
import torch
from hydra.utils import instantiate
from torch import nn

from matting.config import load_config
from matting.losses import Criterion
from matting.models import AttentionUNet, MattingOutput

PAIRING = {
    "none": set(),
    "consistency": {"pair_consistency"},
    "contrast": {"pair_contrast"},
    "both": {"pair_consistency", "pair_contrast"},
}
BASELINE = {"alpha_l1", "laplacian", "trimap_ce"}
FULL = BASELINE | {"composition", "gradient", "holes", "closed_loop"}


def criterion(*overrides):
    return instantiate(load_config(overrides).loss, _convert_="all")


class Constant(nn.Module):
    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, outputs, batch):
        return outputs[0].alpha.new_tensor(self.value)


def test_terms_are_named_and_the_sum_is_weighted(batch, guess):
    terms = {"a": Constant(2.0), "b": Constant(5.0), "c": Constant(float("nan"))}
    values = Criterion(terms, {"a": 0.5, "b": 3.0, "c": 0.0})([guess], batch)
    assert {name: value.item() for name, value in values.items()} == {"a": 2.0, "b": 5.0, "loss": 16.0}


@pytest.mark.parametrize(
    ("terms", "weights", "message"),
    [
        ({"a": Constant(1.0)}, {"b": 1.0}, r"found terms \['a'\] and weights \['b'\]"),
        ({"a": Constant(1.0)}, {"a": -1.0}, "expected weights >= 0 with one above 0"),
        ({"a": Constant(1.0)}, {"a": 0.0}, "expected weights >= 0 with one above 0"),
        ({}, {}, "expected weights >= 0 with one above 0"),
    ],
)
def test_weights_that_make_no_sense_are_refused(terms, weights, message):
    with pytest.raises(ValueError, match=message):
        Criterion(terms, weights)


@pytest.mark.parametrize("pairing", PAIRING)
def test_choices_of_the_configuration(pairing):
    assert criterion(f"loss/pairing={pairing}").terms.keys() == BASELINE | PAIRING[pairing]
    assert criterion("loss=full", f"loss/pairing={pairing}").terms.keys() == FULL | PAIRING[pairing]


def test_closed_loop_switches_off_by_its_weight():
    assert "closed_loop" not in criterion("loss=full", "loss.weights.closed_loop=0").terms


def test_no_term_reads_what_is_to_be_ignored(batch, guess):
    """Predictions and labels of ignored pixels may be anything: values and gradients stay the same."""
    ignored = batch.valid == 0
    wild = batch._replace(
        alpha=torch.where(ignored, 0.25, batch.alpha),
        trimap=torch.where(ignored[:, 0], 1, batch.trimap),
        foreground=torch.where(ignored, 0.9, batch.foreground),
    )
    other = MattingOutput(
        torch.where(ignored, 0.77, guess.alpha), torch.where(ignored, 2.0, guess.trimap_logits), guess.features
    )
    evaluate = criterion("loss=full")
    before, after = evaluate([guess], batch), evaluate([other], wild)
    for name, value in before.items():
        assert after[name].item() == pytest.approx(value.item(), abs=1e-12), name
    after["loss"].backward()
    for gradient in (guess.alpha.grad, guess.trimap_logits.grad):
        assert gradient[ignored.expand_as(gradient)].abs().max() == 0


def test_data_parallel_halves_make_the_whole(batch, guess):
    """The mean over processes of their losses is that of the whole batch, whichever pixels are ignored in each half."""
    evaluate = criterion("loss=full", "loss/pairing=consistency")
    batch.valid[3, :, 20:] = 0
    whole = evaluate([guess], batch)
    parts = [[type(x)._make(part[rows] for part in x) for x in (guess, batch)] for rows in (slice(2), slice(2, 4))]
    halves = [evaluate([output], half) for output, half in parts]
    for name, value in whole.items():
        assert value.item() == pytest.approx((halves[0][name].item() + halves[1][name].item()) / 2, rel=1e-12), name


def test_a_batch_without_annotation_or_pairs_gives_finite_losses(batch, guess):
    empty = batch._replace(valid=torch.zeros_like(batch.valid), pair=torch.full_like(batch.pair, -1))
    values = criterion("loss=full")([guess], empty)
    values["loss"].backward()
    assert all(value.isfinite() for value in values.values())
    assert all(part.grad is None or part.grad.isfinite().all() for part in guess)


def test_no_term_waits_for_the_device(batch, guess):
    """Tensors without values: anything that asks for one, or whose shape depends on one, raises."""
    output = MattingOutput(*(part.detach().to("meta").requires_grad_() for part in guess))
    shapes = batch._make(part.to("meta") for part in batch)
    for term in criterion("loss=full").terms.values():
        loss = term([output], shapes)
        assert loss.shape == () and loss.device.type == "meta"
        loss.backward()


def test_mixed_precision_does_not_coarsen_the_terms(batch, guess):
    evaluate = criterion("loss=full")
    single = batch._make(part.float() if part.is_floating_point() else part for part in batch)
    output = MattingOutput(guess.alpha.float(), guess.trimap_logits.bfloat16(), guess.features.bfloat16())
    with torch.autocast("cpu", torch.bfloat16):
        values = evaluate([output], single)
    exact = evaluate([MattingOutput(*(part.double() for part in output))], batch)
    for name, value in exact.items():
        assert values[name].dtype == torch.float32
        assert values[name].item() == pytest.approx(value.item(), rel=1e-4), name


def test_every_term_reaches_the_network(batch):
    torch.manual_seed(0)
    model = AttentionUNet("test_resnet", pretrained=False, decoder_channels=(24, 16, 16, 8, 8))
    single = batch._make(part.float() if part.is_floating_point() else part for part in batch)
    output = model(single.image)
    for name, value in criterion("loss=full")([output], single).items():
        grads = torch.autograd.grad(value, list(model.parameters()), retain_graph=True, allow_unused=True)
        norm = sum(g.abs().sum() for g in grads if g is not None)
        assert torch.isfinite(norm) and norm > 0, name


@pytest.mark.parametrize("left_out", ["trimap_ce", "alpha_l1,laplacian", "alpha_l1,trimap_ce"])
def test_every_parameter_has_a_gradient_whichever_head_has_no_loss(left_out, batch):
    """DistributedDataParallel waits for each; a head without a loss gets zeros."""
    torch.manual_seed(0)
    model = AttentionUNet("test_resnet", pretrained=False, decoder_channels=(24, 16, 16, 8, 8))
    single = batch._make(part.float() if part.is_floating_point() else part for part in batch)
    evaluate = criterion(*(f"loss.weights.{name}=0" for name in left_out.split(",")))
    values = evaluate([model(single.image)], single)
    values["loss"].backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    expected = sum(evaluate.weights[name] * values[name] for name in evaluate.terms)
    assert values["loss"].item() == pytest.approx(expected.item(), rel=1e-6)
    head = {"trimap_ce": model.trimap_head, "alpha_l1,laplacian": model.alpha_head}.get(left_out)
    assert head is None or not head.weight.grad.any()


def test_a_head_without_loss_may_be_non_finite(batch, guess):
    broken = guess._replace(trimap_logits=torch.full_like(guess.trimap_logits, torch.nan))
    evaluate = criterion("loss.weights.trimap_ce=0")
    assert evaluate([broken], batch)["loss"].item() == evaluate([guess], batch)["loss"].item()


def test_views_are_compared_with_the_image_and_ignored_by_other_terms(batch, guess, perfect):
    evaluate = criterion("loss=augmix")
    without = criterion()([guess], batch)
    values = evaluate([guess, perfect, guess], batch)
    assert values["augmix"] > 0 and evaluate([guess, guess, guess], batch)["augmix"].item() == pytest.approx(
        0, abs=1e-9
    )
    assert {name: values[name].item() for name in BASELINE} == {name: without[name].item() for name in BASELINE}
    with pytest.raises(ValueError, match=r"set augment\.views=2"):
        evaluate([guess], batch)
