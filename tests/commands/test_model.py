"""``matting model``: the shipped models, and sizes that no network takes."""

import pytest

from tests.test_cli import matting  # noqa: F401


def test_shipped_models_are_listed_with_terms(matting, shipped):  # noqa: F811
    code, out, _ = matting("model", "--list")
    assert code == 0 and "portrait (" in out and "): Apache-2.0" in out
    assert "portrait-research (" in out and "research only, non-commercial" in out and "PPM-100: mattes CC" in out


def test_an_installation_without_models_reports_it(matting, shipped, monkeypatch):  # noqa: F811
    monkeypatch.setattr("matting.inference.resolving.PRETRAINED", shipped / "none")
    assert matting("model", "--list")[:2] == (0, "no model is shipped with this installation\n")


@pytest.mark.parametrize("size", [0, -32])
def test_an_image_without_pixels_has_no_cost(matting, size):  # noqa: F811
    code, _, err = matting("model", "--size", size)
    assert code and "--size" in err and "32" in err and "Traceback" not in err
