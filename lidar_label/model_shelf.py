"""Activity models of a person or a project: numbered, kept, adopted only when they are better."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from lidar_label.activity_classification import Moments, fit_on, tagged_rows
from lidar_label.activity_model import ActivityModel
from lidar_label.arrays import Ints
from lidar_label.datasets.whole_files import written_whole
from lidar_label.datasets.windows import Windows
from lidar_label.errors import InvalidLabels, UsageError

Tagged = Sequence[tuple[Moments, Windows]]
_SCOPE = re.compile(r"[\w.-]+")


@dataclass(frozen=True)
class Decision:
    """What became of a candidate.

    Attributes:
        version: Its number; 0 if it was not adopted.
        adopted: Whether it serves from now on.
        candidate: Balanced accuracy of the candidate on the held-out tags.
        current: That of the model that served until now; 0 where there was none.
        held_out: How many tags both were judged on.
        reason: The decision in words.
        made: UTC time, ISO 8601.
    """

    version: int
    adopted: bool
    candidate: float
    current: float
    held_out: int
    reason: str
    made: str


class ModelShelf:
    """A folder of models: `<scope>/<version>.json`, and `<scope>/decisions.jsonl`, append-only."""

    def __init__(self, folder: str | Path) -> None:
        """Nothing is written before a model is adopted."""
        self._folder = Path(folder)

    def current(self, scope: str) -> ActivityModel | None:
        """The model that serves a person or project, if any.

        Raises:
            InvalidLabels: if its file is damaged.
        """
        versions = self.versions(scope)
        return self.load(scope, versions[-1]) if versions else None

    def versions(self, scope: str) -> tuple[int, ...]:
        """Numbers of the adopted models, rising."""
        return tuple(
            sorted(int(f.stem) for f in self._place(scope).glob("*.json") if f.stem.isdigit())
        )

    def load(self, scope: str, version: int) -> ActivityModel:
        """One of the adopted models.

        Raises:
            UsageError: if there is no such version.
            InvalidLabels: if its file is damaged.
        """
        path = self._place(scope) / f"{version}.json"
        if not path.is_file():
            raise UsageError(f"{path}: no such model; there are {self.versions(scope) or 'none'}")
        try:
            return ActivityModel.from_json(path.read_text(encoding="utf-8"))
        except InvalidLabels as error:
            raise InvalidLabels(f"{path}: {error}") from error

    def decisions(self, scope: str) -> list[Decision]:
        """What was decided so far, oldest first."""
        path = self._place(scope) / "decisions.jsonl"
        if not path.is_file():
            return []
        lines = path.read_text(encoding="utf-8").splitlines()
        return [Decision(**json.loads(line)) for line in lines]

    def offer(self, scope: str, recordings: Tagged, *, every: int = 4) -> Decision:
        """Fit a model to the tags and adopt it if it is better than the one that serves.

        Every fourth tag (`every`) of a class is held out; a candidate fitted to the others and
        the current model are judged on those. The current one may have learned from some of them,
        so it is favoured, never the candidate. What is adopted is fitted to all tags.

        Raises:
            InvalidLabels: if there are too few tags to hold any out.
        """
        parts = [(moments, tags, _held_out(tags, every)) for moments, tags in recordings]
        held = [(moments, tags.select(rows)) for moments, tags, rows in parts]
        count = sum(len(tags) for _, tags in held)
        if count == 0:
            raise InvalidLabels(
                f"fewer than {every} tags of every class; tag more to judge a model"
            )
        rest = [
            (moments, tags.select(np.setdiff1d(np.arange(len(tags)), rows)))
            for moments, tags, rows in parts
        ]
        current = self.current(scope)
        ours = _balanced_accuracy(fit_on(rest), held)
        theirs = _balanced_accuracy(current, held) if current else 0.0
        better = current is None or ours > theirs
        version = (self.versions(scope) or (0,))[-1] + 1 if better else 0
        if better:
            self._write(scope, version, fit_on(recordings))
        compared = f"{ours:.3f} on {count} held-out tags, {theirs:.3f} until now"
        reason = compared if current else f"{ours:.3f} on {count} held-out tags; the first model"
        now = datetime.now(UTC).isoformat(timespec="seconds")
        decision = Decision(version, better, ours, theirs, count, reason, now)
        self._place(scope).mkdir(parents=True, exist_ok=True)
        with (self._place(scope) / "decisions.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(decision)) + "\n")
        return decision

    def _place(self, scope: str) -> Path:
        if not _SCOPE.fullmatch(scope) or scope.startswith("."):
            raise UsageError(f"model scope {scope!r}: use letters, digits, - _ and .")
        return self._folder / scope

    def _write(self, scope: str, version: int, model: ActivityModel) -> None:
        path = self._place(scope) / f"{version}.json"
        with written_whole(path) as partial:
            partial.write_text(model.to_json(), encoding="utf-8")


def _held_out(tags: Windows, every: int) -> Ints:
    """Every fourth tag of each class, by time, from the second on."""
    rows: list[int] = []
    for name in sorted(set(tags.category.tolist())):
        of_class = np.flatnonzero(tags.category == name)
        order = of_class[np.argsort(tags.start_ns[of_class], kind="stable")]
        rows += order[1::every].tolist() if len(order) >= every else []
    return np.array(sorted(rows), dtype=np.int64)


def _balanced_accuracy(model: ActivityModel, held: Tagged) -> float:
    """Mean over the classes of the share of moments that the model names right."""
    right: dict[str, list[bool]] = {}
    for moments, tags in held:
        rows, names, _ = tagged_rows(moments, tags)
        if len(rows):
            best = model.log_probability(rows).argmax(axis=1)
            for name, k in zip(names.tolist(), best.tolist(), strict=True):
                right.setdefault(name, []).append(model.classes[k] == name)
    return float(np.mean([np.mean(hits) for hits in right.values()])) if right else 0.0
