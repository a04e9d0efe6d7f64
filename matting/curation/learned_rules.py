"""Annotation rules by a trained network: faults that edges and histograms cannot distinguish from a good matte."""

from typing import TYPE_CHECKING

from matting.curation.finding import Finding
from matting.curation.pair import AnnotatedPair

if TYPE_CHECKING:
    from matting.curation.critic import Fault


def cut_hair(pair: AnnotatedPair) -> Finding:
    """Return the critic's probability that hair was cut along a line, with strands outside it."""
    return _finding(pair, "cut_hair")


def filled_gap(pair: AnnotatedPair) -> Finding:
    """Return the critic's probability that background between arms, legs and body was labelled foreground."""
    return _finding(pair, "filled_gap")


def included_shadow(pair: AnnotatedPair) -> Finding:
    """Return the critic's probability that a cast shadow was labelled foreground."""
    return _finding(pair, "included_shadow")


def missing_part(pair: AnnotatedPair) -> Finding:
    """Return the critic's probability that a part of the subject was labelled background."""
    return _finding(pair, "missing_part")


def displaced(pair: AnnotatedPair) -> Finding:
    """Return the critic's probability that the matte is shifted, too wide, too narrow, or of another image."""
    return _finding(pair, "displaced")


def _finding(pair: AnnotatedPair, fault: "Fault") -> Finding:
    where = pair.criticism.where(fault)
    return Finding(pair.criticism.score[fault], where > 0.5 * float(where.max()))
