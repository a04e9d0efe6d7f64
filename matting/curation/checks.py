"""All checks of a pair: name, gate, advice for the annotator, and the verdict on a pair that fails."""

import math
from collections.abc import Callable, Mapping
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal, NamedTuple

from matting.curation import edge_rules, editing, learned_rules, matte_rules, quality
from matting.curation.finding import Finding
from matting.curation.pair import AnnotatedPair
from matting.data.verdicts import Verdict
from matting.errors import MattingError

Gate = Literal["quality", "rules", "credibility", "audit"]

LIMITS = Path(__file__).with_name("limits.yaml")
"""Limits as measured on the synthetic corpus by ``experiments/curation/measure.py``."""


CREDIBLE = 0.92
"""The smallest agreement of an annotated matte with models that have not seen it, from the article."""

_VERSION = 7  # raised when a score changes


class Check(NamedTuple):
    """One check.

    Attributes:
        name: Its id.
        gate: ``quality`` (gate 1), ``rules``, or ``credibility`` (gate 2) for the checks by a trained network.
        verdict: Of a pair that fails it.
        advice: Sentence for the annotator.
        measure: Computes the finding; its docstring defines the score.
    """

    name: str
    gate: Gate
    verdict: Verdict
    advice: str
    measure: Callable[[AnnotatedPair], Finding]


def _check(measure: Callable[[AnnotatedPair], Finding], gate: Gate, verdict: Verdict, advice: str) -> Check:
    return Check(measure.__name__, gate, verdict, advice, measure)


# Gate by gate: `judge` reports the gate of the first check that fails.
CHECKS = (
    _check(quality.low_resolution, "quality", "reject", "The short side is below 512 pixels; find a larger original."),
    _check(quality.underexposed, "quality", "reject", "Subject and scene are dark; detail is lost in the shadows."),
    _check(quality.overexposed, "quality", "reject", "The subject is burnt out; white areas have no edge."),
    _check(quality.low_contrast, "quality", "reject", "The image uses only a small part of the range of brightness."),
    _check(quality.blur, "quality", "reject", "Even the sharpest edges on the subject are blurred."),
    _check(editing.jpeg_ghost, "quality", "reject", "The image was saved as a JPEG of very low quality before."),
    _check(editing.cloned, "quality", "reject", "A part of the image was copied to another place in it."),
    _check(editing.halo, "quality", "reject", "A bright or dark seam runs along the subject, as after cutting out."),
    _check(matte_rules.empty_matte, "rules", "re-annotate", "The matte is empty, or foreground throughout; draw it."),
    _check(
        matte_rules.inverted,
        "rules",
        "re-annotate",
        "The subject is black and the background white; invert the matte: 255 is foreground.",
    ),
    _check(
        edge_rules.unsupported_edge,
        "rules",
        "re-annotate",
        "The matte has edges where the photo has none: a filled gap, a missing part, or the wrong photo.",
    ),
    _check(
        edge_rules.misplaced_edge,
        "rules",
        "re-annotate",
        "The matte is shifted, too wide or too narrow; move its edge onto the subject's.",
    ),
    _check(
        edge_rules.lost_strands,
        "rules",
        "re-annotate",
        "Hair was cut along one line. Draw it in layers: solid inside, 0.3 to 0.8 in the transition, 0.1 to 0.3 where "
        "single strands mix with the background.",
    ),
    _check(
        matte_rules.hair_layers,
        "rules",
        "re-annotate",
        "A layer of the hair is missing: between solid hair and background, draw the transition (0.3 to 0.8) and "
        "single strands that mix with the background (0.1 to 0.3).",
    ),
    _check(
        matte_rules.ragged_edge,
        "rules",
        "re-annotate",
        "The outline is ragged; draw it in one stroke where the subject's edge is smooth.",
    ),
    _check(
        matte_rules.no_soft_edge,
        "rules",
        "re-annotate",
        "The matte is a binary mask; edges in a photo are never that hard.",
    ),
    _check(
        matte_rules.stair_steps,
        "rules",
        "re-annotate",
        "The soft edge has only a handful of values; use a brush or export with 8 bits of opacity.",
    ),
    _check(
        matte_rules.flat_translucency,
        "rules",
        "re-annotate",
        "An area has one constant partial opacity. Shadows are background (0); translucent material varies between 0.4 "
        "and 0.6, pure reflections are near 0.",
    ),
    _check(
        matte_rules.wrong_translucency,
        "rules",
        "re-annotate",
        "Glass or plastic has a wrong opacity: pure reflections are background (0), translucent material has 0.4 to "
        "0.6.",
    ),
    _check(matte_rules.islands, "rules", "re-annotate", "Specks of foreground are far from the subject; remove them."),
    _check(matte_rules.holes, "rules", "re-annotate", "Specks of background are inside the subject; fill them."),
    _check(
        learned_rules.cut_hair,
        "credibility",
        "re-annotate",
        "Hair was cut along one line; draw the strands outside it, and the background that shows between them.",
    ),
    _check(
        learned_rules.filled_gap,
        "credibility",
        "re-annotate",
        "Background between arms, legs and body is labelled foreground; cut it out.",
    ),
    _check(
        learned_rules.included_shadow,
        "credibility",
        "re-annotate",
        "A cast shadow is labelled foreground; it is background (0).",
    ),
    _check(
        learned_rules.missing_part,
        "credibility",
        "re-annotate",
        "A part of the subject, or of what the person holds or wears, is missing from the matte.",
    ),
    _check(
        learned_rules.displaced,
        "credibility",
        "re-annotate",
        "The matte is shifted off the subject, is too wide or too narrow, or belongs to another image.",
    ),
)
"""In the order in which reasons are given."""

BY_NAME = {check.name: check for check in CHECKS}


@cache
def version() -> str:
    """Return the version of checks and critic weights; pairs measured by another version are measured again."""
    # Lazily: it imports torch, which takes seconds.
    from matting.curation.critic import WEIGHTS

    return f"{_VERSION}.{blake2b(WEIGHTS.read_bytes(), digest_size=4).hexdigest()}"


@cache
def default_limits() -> Mapping[str, float]:
    """Return the limits shipped with the project: a score fails above its limit, ``credibility`` fails below it."""
    return {"credibility": CREDIBLE} | _read(LIMITS)


def read_limits(path: Path | str | None) -> dict[str, float]:
    """Return the default limits, overridden by those of a file.

    Args:
        path: YAML file of ``check: limit`` and of the smallest ``credibility``; None overrides nothing.

    Raises:
        FileNotFoundError: If there is no such file.
        MattingError: If it has another form or names an unknown check.
    """
    return dict(default_limits()) | (_read(Path(path)) if path else {})


def _read(path: Path) -> dict[str, float]:
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError  # type: ignore[import-untyped]

    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a YAML file of 'check: limit', found nothing; check the path")
    try:
        content: Any = OmegaConf.to_container(OmegaConf.load(path))
        limits = {str(name): float(limit) for name, limit in content.items()}
        if undefined := [name for name, limit in limits.items() if math.isnan(limit)]:
            raise MattingError(
                f"{undefined[0]}: nan, which no score exceeds; use .inf to report a score without failing any pair"
            )
    except (OmegaConfBaseException, YAMLError, AttributeError, TypeError, ValueError) as error:
        raise MattingError(f"{path}: expected lines of 'check: limit', found: {error}; correct the file") from error
    names = (*BY_NAME, "credibility")
    if unknown := sorted(limits.keys() - set(names)):
        raise MattingError(f"{path}: there is no check '{unknown[0]}'; expected some of {', '.join(names)}")
    return limits


def measure(pair: AnnotatedPair) -> dict[str, Finding]:
    """Run all checks on a pair.

    Returns:
        Finding by the check's name, in the order of `CHECKS`.
    """
    return {check.name: check.measure(pair) for check in CHECKS}


def failed(scores: Mapping[str, float], limits: Mapping[str, float]) -> list[Check]:
    """Return the checks whose limit a pair exceeds, in the order of `CHECKS`.

    Args:
        scores: Score by check.
        limits: Limit by check.
    """
    return [check for check in CHECKS if scores[check.name] > limits[check.name]]
