"""Values of a configuration are of the types that their targets take."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from matting.arguments import check_arguments, check_value
from matting.config import build
from matting.errors import MattingError

WHOLE, NUMBERS = st.integers(), st.integers() | st.floats(allow_nan=False)
FITTING = [
    (int, WHOLE),
    (float, NUMBERS),
    (bool, st.booleans()),
    (str, st.text() | WHOLE),
    (Path | str, st.text()),
    (int | None, WHOLE | st.none()),
    (Literal["warn"] | bool, st.booleans() | st.just("warn")),
    (tuple[float, float], st.lists(NUMBERS, min_size=2, max_size=2)),
    (Sequence[int], st.lists(WHOLE)),
    (Sequence[int] | None, st.lists(WHOLE) | st.none()),
    (Mapping[str, float], st.dictionaries(st.text(), NUMBERS)),
    (Any, st.text() | NUMBERS | st.none()),
]


@pytest.mark.parametrize(("hint", "values"), FITTING)
@given(data=st.data())
def test_values_of_the_type_pass(hint: Any, values: st.SearchStrategy[Any], data: st.DataObject) -> None:
    check_value("option", data.draw(values), hint)


@pytest.mark.parametrize(
    ("hint", "value", "message"),
    [
        (int, 8.0, "expected a whole number, found 8.0; give a.b=8"),
        (int, "eight", "expected a whole number, found 'eight'; give a.b=8"),
        (int, "", "expected a whole number, found nothing; give a.b=8"),
        (int, True, "expected a whole number, found True"),
        (int | None, 1.5, "expected a whole number or null, found 1.5"),
        (float, "abc", "expected a number, found 'abc'; give a.b=0.5"),
        (float, None, "expected a number, found None"),
        (bool, "maybe", "expected true or false, found 'maybe'; give a.b=true"),
        (bool, 1, "expected true or false, found 1"),
        (Literal["batch", "group"], "layer", "expected one of batch, group, found 'layer'"),
        (tuple[float, float], [1.0], "expected a list of 2 values, found [1.0]"),
        (tuple[float, float], 3, "expected a list of 2 values, found 3"),
        (Sequence[int], [64, "x"], "expected a list, each a whole number, found [64, 'x']"),
        (Sequence[int], "64", "expected a list, each a whole number, found '64'"),
        (Mapping[str, float], 3, "expected a dictionary, each value a number, found 3"),
    ],
)
def test_other_values_are_refused_in_one_line(hint: Any, value: Any, message: str) -> None:
    with pytest.raises(MattingError) as caught:
        check_value("a.b", value, hint)
    assert f"a.b: {message}" in str(caught.value) and "\n" not in str(caught.value)


def test_the_entry_of_a_dictionary_that_is_wrong_is_named() -> None:
    hint = Mapping[str, Mapping[str, float]] | None
    check_value("a", {"b": {"c": 1}}, hint)
    with pytest.raises(MattingError, match=r"^a\.b\.d: expected a number, found 'much'; give a\.b\.d=0\.5$"):
        check_value("a", {"b": {"c": 1, "d": "much"}}, hint)


def sized(side: int, *, scale: float = 1.0, child: object = None) -> tuple[int, float, object]:
    return side, scale, child


def test_only_named_arguments_are_checked() -> None:
    check_arguments("", sized, {"side": 3, "other": "x"})
    with pytest.raises(MattingError, match=r"^side: "):
        check_arguments("", sized, {"side": "3"})


def test_an_option_is_named_in_full_at_any_depth() -> None:
    child = {"_target_": f"{__name__}.sized", "side": 3, "scale": "x"}
    config = OmegaConf.create({"part": {"_target_": f"{__name__}.sized", "side": 1, "child": {"list": [child]}}})
    with pytest.raises(MattingError, match=r"part\.child\.list\[0\]\.scale: expected a number, found 'x'"):
        build(config.part)
    config.part.child.list[0].scale = 2
    assert build(config.part)[2] == {"list": [(3, 2, None)]}
