"""The random traits of a person, sampled before anything is rendered."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matting.synthetic.textures import natural_colour

SKIN = np.array(
    [
        (0.98, 0.84, 0.75), (0.95, 0.76, 0.64), (0.89, 0.69, 0.55), (0.82, 0.60, 0.45),
        (0.70, 0.48, 0.34), (0.55, 0.36, 0.25), (0.42, 0.27, 0.19), (0.36, 0.23, 0.17),
    ]
)  # fmt: skip
HAIR = np.array(
    [
        (0.07, 0.06, 0.06), (0.12, 0.09, 0.07), (0.22, 0.14, 0.09), (0.34, 0.21, 0.12), (0.48, 0.31, 0.17),
        (0.68, 0.50, 0.28), (0.85, 0.71, 0.47), (0.55, 0.24, 0.10), (0.62, 0.61, 0.60), (0.90, 0.89, 0.87),
        (0.75, 0.25, 0.45), (0.25, 0.35, 0.65),
    ]
)  # fmt: skip
HAIR_WEIGHTS = np.array([16, 16, 14, 12, 9, 8, 7, 5, 5, 4, 2, 2]) / 100
STYLES = {"long": 0.36, "short": 0.26, "afro": 0.10, "ponytail": 0.13, "bun": 0.07, "bald": 0.08}
ARMS = {
    "down": 0.26, "hip": 0.11, "raised": 0.05, "held": 0.18, "wide": 0.05, "up": 0.03, "face": 0.07, "temple": 0.02,
    "crossed": 0.08, "lap": 0.07, "point": 0.03, "lean": 0.05,
}  # fmt: skip
STANCES = {
    "stand": 0.36, "stride": 0.14, "seated": 0.11, "front": 0.09, "crossed": 0.09, "knees": 0.09, "ground": 0.06,
    "jump": 0.06,
}  # fmt: skip
TOGETHER = ("crossed", "lap", "temple", "held", "face")
"""Poses that both arms often take at once."""
OBJECTS = (
    "cell phone", "bottle", "book", "cup", "remote", "handbag", "umbrella", "suitcase", "bouquet", "microphone",
    "plate", "laptop", "trumpet",
)  # fmt: skip
"""What a hand holds."""
OUTFITS = {
    "plain": 0.36, "suit": 0.16, "open": 0.1, "hoodie": 0.1, "zip": 0.06, "vest": 0.05, "coat": 0.06, "stole": 0.03,
    "poncho": 0.03, "apron": 0.05,
}  # fmt: skip
HATS = {
    "cap": 0.2, "beanie": 0.14, "brim": 0.16, "headscarf": 0.2, "hood": 0.12, "mortarboard": 0.06, "turban": 0.06,
    "helmet": 0.06,
}  # fmt: skip
WRAPS = ("headscarf", "hood", "turban", "helmet")
"""Hats that hide most of the hair."""


@dataclass(frozen=True)
class Traits:
    """The looks of one person. Angles in radians, lengths in head heights, colours sRGB in [0, 1]; wind turns the hair.

    Girth widens the torso, fit the sleeves and trousers, 1 being slim; drape moves the outline of the top.
    """

    yaw: float
    skin: NDArray[np.float64]
    hair: NDArray[np.float64]
    style: str
    hair_length: float
    wave: tuple[float, float]
    flyaway: float
    wind: float
    part: float
    beard: bool
    lips: float
    top: NDArray[np.float64]
    bottom: NDArray[np.float64]
    dress: bool
    sleeves: float
    neckline: str
    shoulders: float
    arms: tuple[str, str]
    stance: str
    twist: float
    held: str | None
    outfit: str
    girth: float
    fit: float
    hem: float
    drape: NDArray[np.float64]
    tie: bool
    glasses: str | None
    hat: str | None
    scarf: bool
    veil: bool
    strap: bool
    collar: str | None
    earrings: bool


def cloth_colour(rng: np.random.Generator, vivid: float) -> NDArray[np.float64]:
    """Sample the colour of a piece of clothing: often black, dark blue or white."""
    low, high = ((0.04, 0.28), (0.7, 0.98), (0.2, 0.85))[rng.choice(3, p=[0.3, 0.22, 0.48])]
    return natural_colour(rng, low, high, vivid if low == 0.2 else 0.0)


def random_hat(rng: np.random.Generator) -> str:
    """Sample the kind of a hat."""
    return str(rng.choice(list(HATS), p=list(HATS.values())))


def random_traits(rng: np.random.Generator) -> Traits:
    """Sample a person from the distributions of the synthetic corpus."""
    # The order of the calls is part of the corpus: a call in between changes everyone.
    left, right = rng.choice(list(ARMS), 2, p=list(ARMS.values()))
    right = left if left in TOGETHER and rng.random() < 0.5 else right
    wave = [(0.0, 1.0), (rng.uniform(0.015, 0.04), rng.uniform(1.5, 3.5)), (rng.uniform(0.03, 0.05), rng.uniform(5, 9))]
    style = str(rng.choice(list(STYLES), p=list(STYLES.values())))
    outfit = str(rng.choice(list(OUTFITS), p=list(OUTFITS.values())))
    hat = random_hat(rng) if rng.random() < 0.26 else None
    # Mostly, because long hair would be seen through a tight wrap; some keep what hangs below it.
    style = "short" if hat in WRAPS and style not in ("bald", "short") and rng.random() < 0.85 else style
    return Traits(
        # 6 % are seen from behind.
        yaw=float(rng.uniform(2.4, 3.9) if rng.random() < 0.06 else rng.normal(0, 0.5)),
        skin=np.clip(SKIN[rng.integers(len(SKIN))] + rng.normal(0, 0.02, 3), 0.05, 1),
        hair=np.clip(HAIR[rng.choice(len(HAIR), p=HAIR_WEIGHTS)] * rng.uniform(0.8, 1.2), 0.03, 0.97),
        style=style,
        hair_length=float(rng.gamma(4, 0.3)),
        wave=wave[rng.choice(3, p=[0.4, 0.35, 0.25])],
        flyaway=float(rng.gamma(1.2, 0.5)),
        wind=float(rng.normal(0, 0.7)) if rng.random() < 0.15 else 0.0,
        part=float(rng.normal(0, 0.15)),
        beard=bool(rng.random() < (0.3 if style in ("short", "bald", "afro") else 0.02)),
        lips=float(rng.random()),
        top=cloth_colour(rng, vivid=0.3),
        bottom=cloth_colour(rng, vivid=0.1),
        dress=bool(rng.random() < 0.2),
        sleeves=float(rng.choice([0.15, 0.45, 1.0], p=[0.2, 0.3, 0.5])),
        neckline=str(rng.choice(["round", "vee", "high", "collar"])),
        shoulders=float(rng.uniform(0.78, 1.08)),
        arms=(str(left), str(right)),
        stance=str(rng.choice(list(STANCES), p=list(STANCES.values()))),
        twist=float(rng.normal(0, 0.5)),
        held=str(rng.choice(OBJECTS)) if "held" in (left, right) else None,
        outfit=outfit,
        girth=float(np.clip(rng.normal(1.0, 0.13), 0.75, 1.4)),
        fit=float(rng.uniform(0.85, 1.25) if rng.random() < 0.7 else rng.uniform(1.25, 1.9)),
        hem=float(rng.uniform(4.2, 5.6) if outfit == "coat" else rng.uniform(2.8, 3.7)),
        drape=rng.normal(0, rng.choice([0.01, 0.03, 0.06]), (8, 2)),
        tie=bool(rng.random() < (0.55 if outfit in ("suit", "vest") else 0.06)),
        glasses=str(rng.choice(["round", "square", "aviator", "sun"])) if rng.random() < 0.22 else None,
        hat=hat,
        scarf=bool(rng.random() < 0.14),
        veil=bool(rng.random() < 0.04),
        strap=bool(rng.random() < 0.15),
        collar=str(rng.choice(["fur", "lace"])) if rng.random() < 0.1 else None,
        earrings=bool(rng.random() < 0.15),
    )
