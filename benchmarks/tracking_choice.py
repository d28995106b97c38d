"""Rules of a class chosen on some KITTI sequences, so that the others can be scored by them.

The sequences are dealt into folds. For each fold and class the rules of `OFFLINE` or `ONLINE` are
gone through one after the other, and of each the option is kept with which HOTA + MOTA + sAMOTA of
the other folds' sequences is highest. No sequence has a say in the rules that it is scored with.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lidar_label.benchmarks.kitti_tracking import Judge, Judged, Sequence3D, write_results
from lidar_label.cuboids import Cuboids
from lidar_label.refinement import track_offline
from lidar_label.tracker_config import TrackerConfig
from lidar_label.tracking import track

FOLDS = 3
Rules = tuple[tuple[str, float], ...]  # name and value of each rule that is chosen
Options = dict[str, tuple[float, ...]]  # what is chosen from; the first is where the choice begins
ONLINE: Options = {"doubt": (3.0, 10.0, 30.0)}
_ENDS: Options = {**ONLINE, "end_score": (0.7, 0.5), "fill_s": (1.0, 2.0)}
_SIZES: Options = {"size_error": (0.05, 0.02, 0.1, 0.2), "lead_s": (0.0, 0.5)}
# People's sizes are left at their default: chosen by so few people, they suited others less.
OFFLINE: dict[str, Options] = {
    "Car": {**_ENDS, **_SIZES},
    "Pedestrian": _ENDS,
    "Cyclist": {**_ENDS, **_SIZES},
}


def follow(sequence: Sequence3D, config: TrackerConfig, mode: str) -> Cuboids:
    """Tracks of one sequence, `mode` online or offline."""
    tracker = track if mode == "online" else track_offline
    return tracker(sequence.detections, sequence.world_from_lidar, config)


def with_rules(rules: Rules) -> TrackerConfig:
    """The defaults, but for these rules of all groups."""
    changes = dict(rules)
    return TrackerConfig(tuple(replace(group, **changes) for group in TrackerConfig().groups))


class Choice:
    """Chooses rules; what a setting gave is kept, as folds and classes come by the same ones."""

    def __init__(self, sequences: Sequence[Sequence3D], judge: Judge, mode: str) -> None:
        self._sequences = sequences
        self._judge = judge
        self._mode = mode
        self._results: dict[Rules, tempfile.TemporaryDirectory[str]] = {}
        self._judged: dict[tuple[Rules, str], Judged] = {}
        self._values: dict[tuple[Rules, str, tuple[str, ...]], float] = {}

    def results(self, rules: Rules) -> Path:
        """The folder of all sequences' results by these rules."""
        if rules not in self._results:
            place = self._results[rules] = tempfile.TemporaryDirectory()
            for sequence in self._sequences:
                tracks = follow(sequence, with_rules(rules), self._mode)
                write_results(tracks, sequence, Path(place.name))
        return Path(self._results[rules].name)

    def value(self, rules: Rules, kind: str, names: tuple[str, ...]) -> float:
        """What is to be highest, over the named sequences."""
        key = (rules, kind, names)
        if key not in self._values:
            if (rules, kind) not in self._judged:
                every = [sequence.name for sequence in self._sequences]
                self._judged[rules, kind] = self._judge.read(self.results(rules), kind, every)
            figures = self._judge.figures(self._judged[rules, kind], names)
            self._values[key] = figures["HOTA"] + figures["MOTA"] + figures["sAMOTA"]
        return self._values[key]

    def choose(self, options: Options, kind: str, names: tuple[str, ...]) -> Rules:
        """The rules of one class by the named sequences."""
        chosen = {rule: values[0] for rule, values in options.items()}
        for rule, values in options.items():
            # `max` keeps the first of equals, so that a rule that changes nothing stays.
            chosen[rule] = max(
                values,
                key=lambda value, rule=rule: self.value(
                    tuple({**chosen, rule: value}.items()), kind, names
                ),
            )
        return tuple(chosen.items())

    def held_out(self, options: Options, kind: str, folder: Path) -> list[Rules]:
        """Fill `folder` with each fold's results by the rules that the others chose; these rules.

        Raises:
            ValueError: if there are fewer sequences than folds.
        """
        names = [sequence.name for sequence in self._sequences]
        if len(names) < FOLDS:
            raise ValueError(f"{len(names)} sequences for {FOLDS} folds")
        picks: list[Rules] = []
        for fold in range(FOLDS):
            others = tuple(name for k, name in enumerate(names) if k % FOLDS != fold)
            rules = self.choose(options, kind, others)
            for name in names[fold::FOLDS]:
                text = (self.results(rules) / f"{name}.txt").read_text(encoding="utf-8")
                (folder / f"{name}.txt").write_text(text, encoding="utf-8")
            picks.append(rules)
        return picks


def agreed(picks: Sequence[Rules]) -> str:
    """What the folds chose, each rule once where they agree, else the values in order of folds."""
    said: list[str] = []
    for rule in dict(picks[0]):
        values = [dict(pick)[rule] for pick in picks]
        same = len(set(values)) == 1
        said.append(
            f"{rule} {values[0]:g}" if same else f"{rule} " + "/".join(f"{v:g}" for v in values)
        )
    return ", ".join(said)
