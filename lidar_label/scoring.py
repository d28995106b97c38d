"""How likely a person keeps a box: boosted trees over the evidence, calibrated, versioned.

The scorer that comes with the package is fitted to simulated streets alone
(`python -m lidar_label.benchmarks.scorer`); `lidar_label.learning` fits one to a project.
"""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from lidar_label.arrays import Floats, Floats32, Ints32
from lidar_label.errors import InvalidConfig
from lidar_label.kernels.forest import LEAF, sum_of_leaves

_FORMAT = 1
# Weight of the first odds beside the trees: these know only what they were fitted to, and a
# simulated or one project's street lacks much that stands about elsewhere.
TRUST = 0.7


@dataclass(frozen=True, eq=False)
class Scorer:
    """Boosted trees in flat arrays; see `kernels.forest`.

    Attributes:
        features: Names of the columns that it reads.
        roots: (T,).
        split: (K,).
        threshold: (K,).
        below: (K,).
        value: (K,).
        base: Log-odds before any tree.
        slope: Calibration: log-odds of being kept are slope · log-odds + offset.
        offset: Of the calibration.
        origin: What it was fitted to, in words.
    """

    features: tuple[str, ...]
    roots: Ints32 = field(repr=False)
    split: Ints32 = field(repr=False)
    threshold: Floats32 = field(repr=False)
    below: Ints32 = field(repr=False)
    value: Floats32 = field(repr=False)
    base: float
    slope: float = 1.0
    offset: float = 0.0
    origin: str = ""

    def log_odds(self, values: Floats32, first: Floats) -> Floats:
        """(M,) of being kept.

        Args:
            values: (M, F) in the order of `features`, without NaN.
            first: (M,) log-odds by common sense, see `plausibility`.
        """
        return self.slope * (self.base + self._leaves(values) + TRUST * first) + self.offset

    def score(self, values: Floats32, first: Floats, *, hopeless: float = -np.inf) -> Floats:
        """(M,) probability of being kept.

        Args:
            values: (M, F) in the order of `features`, without NaN.
            first: (M,) log-odds by common sense.
            hopeless: Where these are lower, they alone decide and no tree is asked.
        """
        asked = np.flatnonzero(first >= hopeless)
        odds = self.base + TRUST * first
        odds[asked] += self._leaves(values[asked])
        return 1.0 / (1.0 + np.exp(-(self.slope * odds + self.offset)))

    def _leaves(self, values: Floats32) -> Floats:
        return sum_of_leaves(values, self.roots, self.split, self.threshold, self.below, self.value)

    @property
    def version(self) -> str:
        """Short hash of all that decides a score."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:12]

    def to_json(self) -> str:
        """As text."""
        content = {
            "format": _FORMAT, "origin": self.origin, "features": self.features,
            "base": round(self.base, 5), "slope": round(self.slope, 5),
            "offset": round(self.offset, 5), "roots": self.roots.tolist(),
            "split": self.split.tolist(), "below": self.below.tolist(),
            "threshold": [float(f"{x:.5g}") for x in self.threshold.tolist()],
            "value": [float(f"{x:.4g}") for x in self.value.tolist()],
        }  # fmt: skip
        return json.dumps(content, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str, source: str = "scorer") -> "Scorer":
        """Read `to_json`'s text.

        Raises:
            InvalidConfig: if it is no scorer, of another format, or inconsistent.
        """
        try:
            content: dict[str, Any] = json.loads(text)
            if content["format"] != _FORMAT:
                raise InvalidConfig(
                    f"{source}: format {content['format']}; this version reads {_FORMAT}"
                )
            scorer = cls(
                features=tuple(map(str, content["features"])),
                roots=np.array(content["roots"], dtype=np.int32),
                split=np.array(content["split"], dtype=np.int32),
                threshold=np.array(content["threshold"], dtype=np.float32),
                below=np.array(content["below"], dtype=np.int32),
                value=np.array(content["value"], dtype=np.float32),
                base=float(content["base"]),
                slope=float(content["slope"]),
                offset=float(content["offset"]),
                origin=str(content["origin"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidConfig(f"{source}: no scorer ({error!r}); fit one anew") from error
        scorer.check(source)
        return scorer

    def check(self, source: str = "scorer") -> None:
        """Raise InvalidConfig unless every walk down a tree ends in a leaf."""
        nodes = len(self.split)
        inner = self.split != LEAF
        children = self.below[inner]
        sound = (
            all(len(a) == nodes for a in (self.threshold, self.below, self.value))
            and bool((self.split >= LEAF).all() and (self.split < len(self.features)).all())
            and bool((children > np.flatnonzero(inner)).all() and (children + 1 < nodes).all())
            and bool((self.roots >= 0).all() and (self.roots < nodes).all())
            and bool(np.isfinite(self.threshold).all() and np.isfinite(self.value).all())
        )
        if not sound:
            raise InvalidConfig(f"{source}: its trees are damaged; fit it anew")


def load_scorer(path: str | Path) -> Scorer:
    """Read a scorer from a file.

    Raises:
        InvalidConfig: naming the file, if it is absent or no scorer.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidConfig(f"{path}: cannot be read ({error})") from error
    return Scorer.from_json(text, str(path))


@cache
def usual_scorer() -> Scorer:
    """The scorer that comes with the package, fitted to simulated streets."""
    return _shipped("street_scorer.json")


@cache
def click_scorer() -> Scorer:
    """What tells readings of one object apart: fitted to those alone that touch an object.

    Its probability says how closely a reading fits, given that something stands there. Whether
    something does, `usual_scorer` says.
    """
    return _shipped("click_scorer.json")


def _shipped(name: str) -> Scorer:
    text = resources.files("lidar_label").joinpath(f"models/{name}").read_text("utf-8")
    return Scorer.from_json(text, name)
