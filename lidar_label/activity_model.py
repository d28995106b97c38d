"""A classifier of moments that learns from a few tags: shrunk linear discriminants, calibrated."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lidar_label.arrays import Floats, Ints, Strings
from lidar_label.errors import InvalidLabels

MODEL_VERSION = 1
# Rows are logarithms and directions; from one day to the next they wander by about this much, which
# a few tags of one bout cannot show.
_LEAST_SPREAD = 0.3
_EXPECTED_ROWS = 10.0  # the expected covariance counts as much as this many tagged rows
_TEMPERATURES = np.geomspace(0.5, 30.0, 24)


@dataclass(frozen=True, eq=False)
class ActivityModel:
    """Linear discriminants with a shared covariance, shrunk by Ledoit & Wolf (JMVA 2004).

    Attributes:
        classes: K class names.
        centre: (D,) of the standardised rows.
        scale: (D,) likewise.
        means: (K, D) class means, standardised.
        precision: (D, D) inverse of the shrunk covariance within classes.
        temperature: Divides the log odds; chosen on left-out tags (Guo et al., ICML 2017).
        reach: Squared Mahalanobis distance beyond which a moment is like no class.
    """

    classes: tuple[str, ...]
    centre: Floats
    scale: Floats
    means: Floats
    precision: Floats
    temperature: float
    reach: float

    def distances(self, rows: Floats) -> Floats:
        """(N, K) squared Mahalanobis distances to the class means."""
        standard = (rows - self.centre) / self.scale
        offset = standard[:, None, :] - self.means[None]
        return np.einsum("nkd,de,nke->nk", offset, self.precision, offset)

    def log_probability(self, rows: Floats) -> Floats:
        """(N, K) calibrated log probabilities; every class is as likely beforehand."""
        logit = -0.5 * self.distances(rows) / self.temperature
        logit -= logit.max(axis=1, keepdims=True)
        return logit - np.log(np.exp(logit).sum(axis=1, keepdims=True))

    def to_json(self) -> str:
        """The whole model as text; `from_json` gives the same bit for bit."""
        content: dict[str, Any] = {"version": MODEL_VERSION, "classes": list(self.classes)}
        for name in ("centre", "scale", "means", "precision"):
            content[name] = getattr(self, name).tolist()
        return json.dumps(content | {"temperature": self.temperature, "reach": self.reach})

    @classmethod
    def from_json(cls, text: str) -> "ActivityModel":
        """Read what `to_json` wrote.

        Raises:
            InvalidLabels: if the text is no model, or of a newer version.
        """
        try:
            content = json.loads(text)
            version = int(content["version"])
            if version > MODEL_VERSION:
                raise InvalidLabels(
                    f"activity model of version {version}; this program reads up to {MODEL_VERSION}"
                )
            arrays = {
                name: np.asarray(content[name], dtype=np.float64)
                for name in ("centre", "scale", "means", "precision")
            }
            return cls(
                classes=tuple(content["classes"]),
                temperature=float(content["temperature"]),
                reach=float(content["reach"]),
                **arrays,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidLabels(f"not an activity model ({error})") from error


def fit_activity_model(
    rows: Floats,
    classes: Strings,
    groups: Ints,
    *,
    weights: Floats | None = None,
    expected: Floats | None = None,
) -> ActivityModel:
    """Fit, then choose the temperature and the reach on rows whose group was left out.

    Args:
        rows: (N, D) of tagged moments.
        classes: (N,) str.
        groups: (N,) int; rows of one tag (or person) are left out together.
        weights: (N,) how much a row counts for its class mean; equal when None.
        expected: (D, D) covariance within an activity as untagged signal shows it, which stands in
            while tags are few.

    Raises:
        InvalidLabels: if there is no row.
    """
    if len(rows) == 0:
        raise InvalidLabels("no tagged window lies on the signal; tag at least one of each class")
    names = tuple(sorted(set(classes.tolist())))
    weights = np.ones(len(rows)) if weights is None else weights
    index = np.array([names.index(name) for name in classes])
    model = _fit(rows, index, names, weights, expected)
    groups = _splittable(index, groups)
    left_out, own = _left_out_distances(rows, index, names, weights, expected, groups)
    if len(left_out) == 0:
        return model
    temperature = _best_temperature(left_out, own) if len(names) > 1 else 1.0
    nearest = left_out[np.arange(len(own)), own]
    reach = 2.0 * float(np.quantile(nearest, 0.9))
    return ActivityModel(
        names, model.centre, model.scale, model.means, model.precision, temperature, reach
    )


def _fit(
    rows: Floats, index: Ints, names: Sequence[str], weights: Floats, expected: Floats | None
) -> ActivityModel:
    centre = rows.mean(axis=0)
    spread = rows.std(axis=0)
    scale = np.where(spread > 1e-9, spread, 1.0)
    standard = (rows - centre) / scale
    width = rows.shape[1]
    means = np.zeros((len(names), width))
    covariance = np.zeros((width, width))
    several = 0
    for k in range(len(names)):
        of_class = standard[index == k]
        means[k] = np.average(of_class, axis=0, weights=weights[index == k])
        if len(of_class) > 1:
            several += 1
            covariance += _shrunk_covariance(of_class)
    stand_in = np.eye(width) if expected is None else expected / np.outer(scale, scale)
    seen = len(rows) - len(names)  # rows beyond the first of each class tell of the spread
    if several:
        share = seen / (seen + _EXPECTED_ROWS)
        covariance = share * covariance / several + (1 - share) * stand_in
    else:
        covariance = stand_in
    covariance = covariance + np.diag((_LEAST_SPREAD / scale) ** 2)
    precision = np.asarray(np.linalg.inv(covariance), dtype=np.float64)
    return ActivityModel(tuple(names), centre, scale, means, precision, 1.0, np.inf)


def _splittable(index: Ints, groups: Ints) -> Ints:
    """The groups, or rows one by one where some class has a single group."""
    lonely = any(len(np.unique(groups[index == k])) < 2 for k in np.unique(index))
    return np.arange(len(groups)) if lonely else groups


def _shrunk_covariance(rows: Floats) -> Floats:
    """Shrunk in units of each column's own spread, so that quiet columns keep their weight."""
    from sklearn.covariance import ledoit_wolf

    spread = rows.std(axis=0)
    scale = np.where(spread > 1e-9, spread, 1e-9)
    shrunk: Floats = ledoit_wolf((rows - rows.mean(axis=0)) / scale, assume_centered=True)[0]
    return shrunk * np.outer(scale, scale)


def _left_out_distances(
    rows: Floats,
    index: Ints,
    names: Sequence[str],
    weights: Floats,
    expected: Floats | None,
    groups: Ints,
    folds: int = 10,
) -> tuple[Floats, Ints]:
    """(M, K) distances of rows to a model fitted without their group, and their (M,) true class."""
    distinct = np.unique(groups)
    fold_of = dict(zip(distinct.tolist(), (np.arange(len(distinct)) % folds).tolist(), strict=True))
    fold = np.array([fold_of[group] for group in groups.tolist()])
    distances: list[Floats] = []
    own: list[Ints] = []
    for k in range(min(folds, len(distinct))):
        held = fold == k
        if len(np.unique(index[~held])) < len(names):
            continue
        model = _fit(rows[~held], index[~held], names, weights[~held], expected)
        distances.append(model.distances(rows[held]))
        own.append(index[held])
    if not own:
        return np.zeros((0, len(names))), np.zeros(0, dtype=np.int64)
    return np.concatenate(distances), np.concatenate(own)


def _best_temperature(distances: Floats, own: Ints) -> float:
    losses: list[float] = []
    for temperature in _TEMPERATURES:
        logit = -0.5 * distances / temperature
        logit = logit - logit.max(axis=1, keepdims=True)
        loss = np.log(np.exp(logit).sum(axis=1)) - logit[np.arange(len(own)), own]
        losses.append(float(loss.mean()))
    return float(_TEMPERATURES[int(np.argmin(losses))])
