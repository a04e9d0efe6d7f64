"""Recall and false rejects of the gates on planted defects: limits are fitted on some people, tested on others.

    python experiments/curation/measure.py --people 160 --output experiments/curation

writes ``recall.csv``, ``checks.csv`` and ``table.md``, and the critic's ``limits.yaml`` with ``--write-limits``. A
critic is a folder of ``critic.safetensors`` and ``limits.yaml``; without ``--critic`` it is the shipped one. With
``--against`` another one is judged on the same held-out pairs, by its own limits, and ``compare.md`` is the table of
both. All pairs are rendered by code, except those of ``--real``, a folder of ``image/NAME.jpg`` and ``alpha/NAME.png``.
"""

import argparse
import csv
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np
from backbone import load_critic
from numpy.typing import NDArray
from planted import CLEAN, render_planted
from rich.progress import track

from matting.cache import cache_dir
from matting.curation.checks import CHECKS, LIMITS, read_limits, version
from matting.curation.critic import FAULTS, WEIGHTS, criticise
from matting.curation.pair import AnnotatedPair
from matting.evaluation.statistics import wilson
from matting.files import write_atomic
from matting.images import read_alpha, read_rgb
from matting.processes import in_processes
from matting.synthetic.camera import to_uint8
from matting.synthetic.defects import DEFECTS, MATTE_DEFECTS, plant_defect
from matting.synthetic.version import VERSION

MATTE = tuple(defect.__name__ for defect in MATTE_DEFECTS)

OWN = {
    "small": ("low_resolution",),
    "underexposed": ("underexposed",),
    "overexposed": ("overexposed",),
    "blurred": ("blur",),
    "cloned": ("cloned",),
    "halo": ("halo",),
    "double_jpeg": ("jpeg_ghost",),
    "hard_cut": ("no_soft_edge", "cut_hair"),
    "shifted": ("misplaced_edge", "displaced"),
    "dilated": ("misplaced_edge", "displaced"),
    "filled_holes": ("unsupported_edge", "filled_gap"),
    "shadow_included": ("flat_translucency", "included_shadow"),
    "missing_limb": ("unsupported_edge", "missing_part"),
    "swapped": ("unsupported_edge", "displaced"),
}
"""The checks meant for each defect. Some checks have no defect here: `lost_strands` is for smooth mattes."""

SET = {
    "low_resolution": 1.0,
    "low_contrast": 0.92,
    "empty_matte": 1.0,
    "inverted": 0.0,
    "lost_strands": 0.12,
    "wrong_translucency": 0.25,
    "islands": 25.0,
}
"""Limits that are not fitted, because no defect is planted for them or their value has a meaning of its own: the
article's; 20 of 255 levels; two by definition; one between two real sets; one on labels that rendered pairs do not
have; more specks than in all but one in a thousand rendered mattes."""

REAL = ("shifted", "dilated", "filled_holes", "shadow_included", "missing_limb")
"""Defects planted into real pairs: those for which only photo and matte need to be known."""

FIT, HELD_OUT = (8, 9, 10, 12), (14, 15)  # other seeds were used to design the checks or for earlier limits
MORE_CLEAN = (3, 4, 5, 6, 7)  # seeds of people of whom only the clean pairs are measured, for the limits
FOUND = 0.91  # share of a defect that its checks should find
REPORTED = ("cloned", "halo")  # no target: no clean pair is sacrificed for them
BUDGET = 0.0175  # of the clean pairs that the fitted limits may fail

Row = dict[str, str | int | float]


class Judged(NamedTuple):
    """The scores of pairs by all checks and one critic, and the limits by which these are judged."""

    rows: Sequence[Row]
    limits: Mapping[str, float]


def score(photo: NDArray[np.uint8], alpha: NDArray[np.uint8], weights: Path | None) -> Row:
    """Measure a pair by the critic with these weights, or, if None, by all other checks."""
    if weights:
        return {**criticise(photo, alpha, load_critic(weights)).score}
    pair = AnnotatedPair(photo, alpha)
    return {check.name: check.measure(pair).score for check in CHECKS if check.gate != "credibility"}


def score_person(person: int, split: int, folder: Path, weights: Path | None) -> list[Row]:
    """Render one person, with all defects unless the seed is one of `MORE_CLEAN`, and measure the pairs by `score`."""
    rows = []
    for planted in render_planted(folder, split, person, () if split in MORE_CLEAN else tuple(DEFECTS)):
        row: Row = {"split": split, "person": person, "scenario": planted.scenario, "defect": planted.defect}
        rows.append(row | score(read_rgb(planted.photo), read_alpha(planted.alpha), weights))
    return rows


def score_real(files: tuple[Path, Path], critics: Sequence[Path]) -> list[list[Row]]:
    """Measure a real pair by each critic, as it is and with each defect of `REAL` that applies."""
    photo, alpha = read_rgb(files[0]), read_alpha(files[1])
    image, truth = photo / np.float32(255), alpha / np.float32(255)
    pairs = {CLEAN: (photo, alpha)}
    for number, defect in enumerate(REAL):
        # Without knowing where hair is: none of these defects depends on it.
        if planted := plant_defect(
            np.random.default_rng([number, *files[1].stem.encode()]), defect, image, truth, truth
        ):
            pairs[defect] = to_uint8(planted[0]), to_uint8(planted[1])
    found: list[list[Row]] = [[] for _ in critics]
    for defect, pair in pairs.items():
        row = {"defect": defect} | score(*pair, None)
        for rows, weights in zip(found, critics, strict=True):
            rows.append(row | score(*pair, weights))
    return found


def fit_limits(rows: Sequence[Row]) -> dict[str, float]:
    """Fit a limit for each check, above the clean pairs except for a budget of outliers.

    All limits begin where no clean pair fails (see `_limit`). Then the highest clean scores of checks that are meant
    for a defect with a target are allowed to fail, first those that raise the recall most per failing clean pair, until
    `BUDGET` is spent. A recall above `FOUND` is not raised further, and `REPORTED` defects do not count: the budget is
    spent where defects are missed.
    """
    clean = [row for row in rows if row["defect"] == CLEAN]
    aims = sorted({str(row["defect"]) for row in rows} - {CLEAN, *REPORTED})
    faulty = [row for row in rows if row["defect"] in aims]
    kinds = np.array([aims.index(str(row["defect"])) for row in faulty])
    allowed = int(BUDGET * len(clean))
    fitted = [check.name for check in CHECKS if check.name not in SET]
    helping = {name for defect in aims for name in OWN[defect]}
    choices = {
        name: [
            _limit(np.sort(_scores(rows, CLEAN, name)), passed, [_scores(rows, d, name) for d in OWN if name in OWN[d]])
            for passed in range(allowed + 1 if name in helping else 1)
        ]
        for name in fitted
    }
    fails = {
        name: [[np.array([row[name] > limit for row in part]) for part in (clean, faulty)] for limit in choices[name]]
        for name in fitted
    }
    chosen = dict.fromkeys(fitted, 0)
    while step := _best_step(fails, kinds, chosen, allowed):
        chosen[step[0]] = step[1]
    return {name: choices[name][chosen[name]] for name in fitted} | SET


def _best_step(
    fails: dict[str, list[list[NDArray[np.bool_]]]], kinds: NDArray[np.int_], chosen: dict[str, int], allowed: int
) -> tuple[str, int] | None:
    """Choose the check of which to skip more outliers next, and how many; None if the budget allows no gain.

    Args:
        fails: Which clean and which faulty pairs fail, by check and number of outliers skipped.
        kinds: Index of the defect of each faulty pair.
        chosen: Outliers skipped so far, by check.
        allowed: Number of clean pairs that may fail.
    """
    clean, faulty = (np.any([fails[name][chosen[name]][part] for name in fails], axis=0) for part in (0, 1))
    found, steps = _recalls(faulty, kinds), []
    for name in fails:
        for passed in range(chosen[name] + 1, len(fails[name])):
            failing, caught = fails[name][passed]
            cost, gain = int((failing & ~clean).sum()), float((_recalls(faulty | caught, kinds) - found).sum())
            if gain > 1e-9 and clean.sum() + cost <= allowed:
                steps.append((gain / max(cost, 0.5), name, passed))
    return max(steps)[1:] if steps else None


def _recalls(caught: NDArray[np.bool_], kinds: NDArray[np.int_]) -> NDArray[np.float64]:
    """Return the share of each defect that is caught, capped at `FOUND`."""
    return np.asarray(np.minimum(np.bincount(kinds, caught) / np.bincount(kinds), FOUND), np.float64)


def _limit(clean: NDArray[np.float64], passed: int, own: Sequence[NDArray[np.float64]]) -> float:
    """Return a limit that no clean pair exceeds except the `passed` highest.

    It is nine tenths of the way from the highest remaining clean score to the score that `FOUND` of a defect exceed,
    over the defects for which the second is larger: most pairs of a real set are clean. If there is no such defect, it
    is the highest remaining score. If also no outlier is skipped and the check is meant for a defect, a margin is
    added: the distance of that score from the 95th percentile.

    Args:
        clean: Scores of clean pairs, ascending.
        passed: Number of outliers skipped.
        own: Scores of each defect that the check is meant for.
    """
    highest = float(clean[-1 - passed])
    reached = [score for scores in own if (score := float(np.quantile(scores, 1 - FOUND))) > highest]
    if reached:
        return highest + 0.9 * (min(reached) - highest)
    return highest if passed or not own else float(2 * highest - np.quantile(clean, 0.95))


def recall_rows(rows: Sequence[Row], limits: dict[str, float]) -> list[Row]:
    """Return the recall of every defect, by its own checks and by any, and the false rejects of clean pairs."""
    table: list[Row] = []
    for defect in [CLEAN, *DEFECTS]:
        chosen = [row for row in rows if row["defect"] == defect]
        own = sum(any(row[name] > limits[name] for name in OWN.get(defect, ())) for row in chosen)
        any_check = sum(_fails(row, limits) for row in chosen)
        low, high = wilson(any_check, len(chosen))
        own_low, own_high = wilson(own, len(chosen))
        areas = [area(rows, defect, name) for name in OWN.get(defect, ())]
        table.append(
            {"defect": defect, "pairs": len(chosen), "own": own, "own_low": own_low, "own_high": own_high}
            | {"any": any_check, "any_low": low, "any_high": high, "area": max(areas, default=0.5)}
        )
    return table


def left_out_rows(scores: Mapping[int, Sequence[Row]]) -> str:
    """Judge each seed by limits fitted on the others, and return the pooled results as Markdown."""
    failed: dict[str, list[bool]] = {}
    for split, rows in scores.items():
        limits = fit_limits([row for other, part in scores.items() if other != split for row in part])
        for row in rows:
            failed.setdefault(str(row["defect"]), []).append(_fails(row, limits))
    lines = ["| each fitting seed left out | pairs | found by any check |", "| --- | --: | --: |"]
    for defect in (CLEAN, *DEFECTS):
        count, pairs = sum(failed[defect]), len(failed[defect])
        low, high = wilson(count, pairs)
        share = _share({"any": count, "any_low": low, "any_high": high, "pairs": pairs}, "any", "pairs")
        lines.append(f"| {defect} | {pairs} | {share} |")
    return "\n".join(lines) + "\n"


def _fails(row: Row, limits: Mapping[str, float]) -> bool:
    return any(row[check.name] > limits[check.name] for check in CHECKS)


def area(rows: Sequence[Row], defect: str, name: str) -> float:
    """Compute the area under the ROC curve of a check: faulty pairs above clean ones, with ties counted half."""
    clean, faulty = _scores(rows, CLEAN, name), _scores(rows, defect, name)[:, None]
    return float((faulty > clean).mean() + (faulty == clean).mean() / 2)


def precision_rows(rows: Sequence[Row], limits: dict[str, float]) -> list[Row]:
    """Return for each check how many pairs fail it, and how many of these have a defect that it is meant for."""
    table: list[Row] = []
    for check in CHECKS:
        hits = [row for row in rows if row[check.name] > limits[check.name]]
        right = sum(check.name in OWN.get(str(row["defect"]), ()) for row in hits)
        false = sum(row["defect"] == CLEAN for row in hits)
        low, high = wilson(right, len(hits)) if hits else (0.0, 1.0)
        table.append(
            {"check": check.name, "limit": limits[check.name], "failed": len(hits), "own": right, "own_low": low}
            | {"own_high": high, "clean": false}
        )
    return table


def _scores(rows: Iterable[Row], defect: str, name: str) -> NDArray[np.float64]:
    return np.array([row[name] for row in rows if row["defect"] == defect], float)


def _write_csv(path: Path, rows: Sequence[Row]) -> None:
    lines = [",".join(rows[0])]
    lines += [",".join(f"{v:.6g}" if isinstance(v, float) else str(v) for v in row.values()) for row in rows]
    write_atomic(path, ("\n".join(lines) + "\n").encode())


def _markdown(recall: Sequence[Row], precision: Sequence[Row]) -> str:
    lines = ["| defect | pairs | found by its own checks | found by any check | AUC |"]
    lines += ["| --- | --: | --: | --: | --: |"]
    for row in recall:
        clean = row["defect"] == CLEAN
        own = "" if clean else _share(row, "own", "pairs")
        auc = "" if clean else f"{row['area']:.3f}"
        lines.append(f"| {row['defect']} | {row['pairs']} | {own} | {_share(row, 'any', 'pairs')} | {auc} |")
    lines += ["", "AUC: of the defect's best own check against the clean pairs."]
    lines += ["", "| check | limit | pairs that fail | of these its own defect | of these clean |"]
    lines += ["| --- | --: | --: | --: | --: |"]
    for row in precision:
        own = _share(row, "own", "failed") if row["failed"] else "none"
        lines.append(f"| {row['check']} | {row['limit']:.3g} | {row['failed']} | {own} | {row['clean']} |")
    return "\n".join(lines) + "\n"


def false_rows(rows: Sequence[Row], limits: dict[str, float]) -> str:
    """Return the clean pairs that fail, with their scenario, as Markdown."""
    lines = ["| seed | clean pair | scenario | fails |", "| --: | --: | --- | --- |"]
    for row in rows:
        names = [check.name for check in CHECKS if row[check.name] > limits[check.name]]
        if row["defect"] == CLEAN and names:
            lines.append(f"| {row['split']:.0f} | {row['person']:.0f} | {row['scenario']} | {', '.join(names)} |")
    return "\n".join(lines) + "\n"


def scenario_rows(rows: Sequence[Row], limits: dict[str, float]) -> str:
    """Return how many faults of mattes any check finds, by scenario, as Markdown."""
    lines = [f"| scenario | {' | '.join((CLEAN, *MATTE))} |", f"| --- |{' --: |' * (1 + len(MATTE))}"]
    for scenario in dict.fromkeys(str(row["scenario"]) for row in rows):
        cells = []
        for defect in (CLEAN, *MATTE):
            chosen = [row for row in rows if (row["scenario"], row["defect"]) == (scenario, defect)]
            failed = sum(_fails(row, limits) for row in chosen)
            cells.append(f"{failed} / {len(chosen)}")
        lines.append(f"| {scenario} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _share(row: Row, name: str, of: str) -> str:
    return f"{100 * row[name] / row[of]:.1f} % [{100 * row[f'{name}_low']:.1f}, {100 * row[f'{name}_high']:.1f}]"


def compare(judged: Mapping[str, Judged], defects: Sequence[str]) -> str:
    """Return what each critic finds, with the other checks, and how well it separates each defect, as Markdown."""
    head = " | ".join(f"{name}: fail | by the critic | AUC" for name in judged)
    lines = [f"| defect | pairs | {head} |", f"| --- | --: |{' --: | --: | --: |' * len(judged)}"]
    for defect in (CLEAN, *defects):
        cells = []
        for rows, limits in judged.values():
            chosen = [row for row in rows if row["defect"] == defect]
            failed = sum(_fails(row, limits) for row in chosen)
            low, high = wilson(failed, len(chosen))
            cells.append(
                _share({"any": failed, "any_low": low, "any_high": high, "pairs": len(chosen)}, "any", "pairs")
            )
            cells.append(str(sum(any(row[fault] > limits[fault] for fault in FAULTS) for row in chosen)))
            areas = [area(rows, defect, fault) for fault in FAULTS if fault in OWN.get(defect, ())]
            cells.append(f"{max(areas):.4f}" if areas else "")
        lines.append(f"| {defect} | {len(chosen)} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def measure_all(split: int, people: int, workers: int, folder: Path, reuse: bool, weights: Path = WEIGHTS) -> list[Row]:
    """Measure all pairs of a seed; earlier scores of as many people by the same checks, or critic, may be reused."""
    checks = version().split(".")[0]
    critic = f"{checks}_{blake2b(weights.read_bytes(), digest_size=4).hexdigest()}"
    parts: list[list[Row]] = []
    for made_by, measured in ((checks, None), (critic, weights)):
        path = folder / f"scores_{split}_{people}_{made_by}.csv"
        if not (reuse and path.is_file()):
            job = in_processes(
                partial(score_person, split=split, folder=folder, weights=measured), range(people), workers
            )
            _write_csv(path, [row for found in track(job, f"people {split}", people) for row in found])
        parts.append(_read_scores(path))
    return [by_checks | by_critic for by_checks, by_critic in zip(*parts, strict=True)]


def _read_scores(path: Path) -> list[Row]:
    with path.open(newline="") as file:
        return [
            {name: value if name in ("scenario", "defect") else float(value) for name, value in row.items()}
            for row in csv.DictReader(file)
        ]


def main() -> None:
    """Render, measure, fit, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=160, help="people rendered with each seed")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    parser.add_argument("--reuse", action="store_true", help="reuse scores of the same checks and critic")
    parser.add_argument("--critic", type=Path, default=WEIGHTS.parent, help="folder of the critic and its limits")
    parser.add_argument("--write-limits", action="store_true", help="fit the critic's limits.yaml and replace it")
    parser.add_argument("--against", type=Path, help="folder of another critic to compare with")
    parser.add_argument("--held-out", type=int, nargs="+", default=HELD_OUT, help="seeds of the people of the results")
    parser.add_argument("--real", type=Path, help="folder of real pairs, for the comparison only")
    options = parser.parse_args()
    if used := {*options.held_out} & {*MORE_CLEAN, *FIT}:
        parser.error(f"--held-out: limits are fitted on seed {min(used)}; give another one")
    folder = cache_dir() / f"planted-{VERSION}"
    weights, limits_file = options.critic / WEIGHTS.name, options.critic / LIMITS.name
    measured = partial(measure_all, people=options.people, workers=options.workers, folder=folder, reuse=options.reuse)
    scores = {split: measured(split, weights=weights) for split in (*MORE_CLEAN, *FIT, *options.held_out)}
    held_out = [row for split in options.held_out for row in scores.pop(split)]
    fit = [row for rows in scores.values() for row in rows]
    if options.write_limits:
        rounded = {name: float(f"{limit:.4g}") for name, limit in fit_limits(fit).items()}
        people = len({(row["split"], row["person"]) for row in fit})
        head = f"# Written by experiments/curation/measure.py: {people} people of synthetic corpus {VERSION}.\n"
        write_atomic(limits_file, (head + "".join(f"{n}: {v}\n" for n, v in rounded.items())).encode())
    limits = read_limits(limits_file)
    recall, precision = recall_rows(held_out, limits), precision_rows(held_out, limits)
    options.output.mkdir(parents=True, exist_ok=True)
    _write_csv(options.output / "recall.csv", recall)
    _write_csv(options.output / "checks.csv", precision)
    head = f"> **synthetic corpus {VERSION}, rendered by code: not real photos**\n\n"
    tables = [_markdown(recall, precision), scenario_rows(held_out, limits), false_rows(held_out, limits)]
    tables.append(left_out_rows(scores))
    page = head + "\n".join(tables)
    write_atomic(options.output / "table.md", page.encode())
    print((options.output / "table.md").read_text())
    if options.against:
        # Its checks have just been measured.
        again = partial(measured, weights=options.against / WEIGHTS.name, reuse=True)
        other = [row for seed in options.held_out for row in again(seed)]
        critics = {"the critic": options.critic, "the other": options.against}
        both = [Judged(held_out, limits), Judged(other, read_limits(options.against / LIMITS.name))]
        page = head + compare(dict(zip(critics, both, strict=True)), tuple(DEFECTS))
        if options.real:
            files = [
                (photo, options.real / "alpha" / f"{photo.stem}.png") for photo in (options.real / "image").iterdir()
            ]
            job = partial(score_real, critics=[one / WEIGHTS.name for one in critics.values()])
            found = list(track(in_processes(job, sorted(files), options.workers), "real pairs", len(files)))
            real = [
                Judged([row for rows in part for row in rows], one.limits)
                for part, one in zip(zip(*found, strict=True), both, strict=True)
            ]
            page += f"\n> **real photos: {len(files)} pairs**\n\n" + compare(
                dict(zip(critics, real, strict=True)), REAL
            )
        write_atomic(options.output / "compare.md", page.encode())
        print(page)


if __name__ == "__main__":
    main()
