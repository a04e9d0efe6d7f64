"""The critic at work: faults of mattes of one rendered person each, and where it finds them.

    python experiments/curation/figure.py

writes ``critic.jpg`` next to this file, of people from the held-out seeds of ``measure.py``.
"""

from pathlib import Path

import cv2
import numpy as np
from measure import HELD_OUT
from numpy.typing import NDArray
from planted import render_planted

from matting.cache import cache_dir
from matting.curation.critic import Fault, criticise
from matting.files import write_atomic
from matting.images import read_alpha, read_rgb
from matting.synthetic.version import VERSION

SHOWN: tuple[tuple[str, Fault], ...] = (
    ("hard_cut", "cut_hair"),
    ("filled_holes", "filled_gap"),
    ("shadow_included", "included_shadow"),
    ("missing_limb", "missing_part"),
)
PEOPLE = 10  # the one of these whose matte has the largest error is shown
WIDTH = 320  # of a tile


def row(defect: str, fault: Fault) -> NDArray[np.uint8]:
    """Render photo, annotated matte, its true error, and the critic's map of the fault, each `WIDTH` pixels wide."""
    folder = cache_dir() / f"planted-{VERSION}"
    people = [render_planted(folder, HELD_OUT[0], person) for person in range(PEOPLE)]
    cases = [(read_alpha(pairs[0].alpha), pair) for pairs in people for pair in pairs if pair.defect == defect]
    truth, chosen = max(cases, key=lambda case: float(cv2.absdiff(case[0], read_alpha(case[1].alpha)).mean()))
    photo, alpha = read_rgb(chosen.photo), read_alpha(chosen.alpha)
    found = criticise(photo, alpha)
    heat = cv2.applyColorMap(np.rint(255 * found.where(fault)).astype(np.uint8), cv2.COLORMAP_INFERNO)
    planes = [photo[..., ::-1], alpha, cv2.absdiff(truth, alpha), heat]
    tiles = [cv2.cvtColor(one, cv2.COLOR_GRAY2BGR) if one.ndim == 2 else one for one in planes]
    height = round(alpha.shape[0] * WIDTH / alpha.shape[1])
    image = np.hstack([cv2.resize(one, (WIDTH, height), interpolation=cv2.INTER_AREA) for one in tiles])
    text = f"{fault} {found.score[fault]:.2f}"
    cv2.putText(image, text, (3 * WIDTH + 8, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 1, cv2.LINE_AA)
    return np.asarray(image, np.uint8)


def main() -> None:
    """Render the figure."""
    rows = [row(*one) for one in SHOWN]
    coded = cv2.imencode(".jpg", np.vstack(rows), (cv2.IMWRITE_JPEG_QUALITY, 88))[1]
    write_atomic(Path(__file__).with_name("critic.jpg"), coded.tobytes())


if __name__ == "__main__":
    main()
