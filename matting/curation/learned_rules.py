"""Annotation rules that a network has learnt: faults that no edge or histogram tells from a good matte."""

from typing import TYPE_CHECKING

from matting.curation.finding import Finding
from matting.curation.pair import AnnotatedPair

if TYPE_CHECKING:
    from matting.curation.critic import Fault


def cut_hair(pair: AnnotatedPair) -> Finding:
    """How sure the critic is, 0 to 1, that hair was cut along a line, with strands outside it."""
    return _finding(pair, "cut_hair")


def filled_gap(pair: AnnotatedPair) -> Finding:
    """How sure the critic is, 0 to 1, that background between arms, legs and body was declared foreground."""
    return _finding(pair, "filled_gap")


def included_shadow(pair: AnnotatedPair) -> Finding:
    """How sure the critic is, 0 to 1, that a cast shadow was declared foreground."""
    return _finding(pair, "included_shadow")


def missing_part(pair: AnnotatedPair) -> Finding:
    """How sure the critic is, 0 to 1, that a part of the subject was declared background."""
    return _finding(pair, "missing_part")


def displaced(pair: AnnotatedPair) -> Finding:
    """How sure the critic is, 0 to 1, that the matte is shifted, too wide, too narrow, or of another image."""
    return _finding(pair, "displaced")


def _finding(pair: AnnotatedPair, fault: "Fault") -> Finding:
    where = pair.criticism.where(fault)
    return Finding(pair.criticism.score[fault], where > 0.5 * float(where.max()))
