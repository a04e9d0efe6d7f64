"""``matting model --list``: the shipped models."""

from tests.test_cli import matting  # noqa: F401


def test_shipped_models_are_listed_with_terms(matting, shipped):  # noqa: F811
    code, out, _ = matting("model", "--list")
    assert code == 0 and "portrait (" in out and "): Apache-2.0" in out
    assert "portrait-research (" in out and "research only, non-commercial" in out and "PPM-100: mattes CC" in out


def test_an_installation_without_models_reports_it(matting, shipped, monkeypatch):  # noqa: F811
    monkeypatch.setattr("matting.inference.resolving.PRETRAINED", shipped / "none")
    assert matting("model", "--list")[:2] == (0, "no model is shipped with this installation\n")
