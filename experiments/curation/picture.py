"""What the critic sees: faults of mattes of one drawn person each, and where it finds them.

    python experiments/curation/picture.py

writes ``critic.jpg`` beside this file, of people whose limits and figures ``measure.py`` takes.
"""

from pathlib import Path

import cv2
import numpy as np
from measure import HELD_OUT
from numpy.typing import NDArray
from planted import draw_planted

from matting.cache import cache_dir
from matting.corpus.version import VERSION
from matting.curation.critic import Fault, criticise
from matting.images import read_alpha, read_rgb, write_atomic

SHOWN: tuple[tuple[str, Fault, int], ...] = (
    ("hard_cut", "cut_hair", 0),
    ("filled_holes", "filled_gap", 3),
    ("shadow_included", "included_shadow", 1),
    ("missing_limb", "missing_part", 6),
)
HEIGHT = 320


def row(defect: str, fault: Fault, person: int) -> NDArray[np.uint8]:
    """Photograph, matte as annotated, its true error, and the critic's map of the fault, each `HEIGHT` pixels high."""
    pairs = draw_planted(cache_dir() / f"planted-{VERSION}", HELD_OUT, person)
    chosen = next(pair for pair in pairs if pair.defect == defect)
    photo, alpha = read_rgb(chosen.photo), read_alpha(chosen.alpha)
    found = criticise(photo, alpha)
    heat = cv2.applyColorMap(np.rint(255 * found.where[fault]).astype(np.uint8), cv2.COLORMAP_INFERNO)
    planes = [photo[..., ::-1], alpha, cv2.absdiff(read_alpha(pairs[0].alpha), alpha), heat]
    tiles = [cv2.cvtColor(one, cv2.COLOR_GRAY2BGR) if one.ndim == 2 else one for one in planes]
    width = round(alpha.shape[1] * HEIGHT / alpha.shape[0])
    picture = np.hstack([cv2.resize(one, (width, HEIGHT), interpolation=cv2.INTER_AREA) for one in tiles])
    text = f"{fault} {found.score[fault]:.2f}"
    cv2.putText(picture, text, (3 * width + 8, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 1, cv2.LINE_AA)
    return np.asarray(picture, np.uint8)


def main() -> None:
    """Draw the picture."""
    rows = [row(*one) for one in SHOWN]
    widest = max(one.shape[1] for one in rows)
    rows = [cv2.copyMakeBorder(one, 0, 6, 0, widest - one.shape[1], cv2.BORDER_CONSTANT) for one in rows]
    coded = cv2.imencode(".jpg", np.vstack(rows), (cv2.IMWRITE_JPEG_QUALITY, 88))[1]
    write_atomic(Path(__file__).with_name("critic.jpg"), coded.tobytes())


if __name__ == "__main__":
    main()
