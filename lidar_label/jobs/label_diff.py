"""What a job's labels change against labels that are there: added, removed, moved, renamed."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lidar_label.arrays import Ints, wrap_angle
from lidar_label.cuboids import Cuboids, load_cuboids, read_provenance
from lidar_label.errors import InvalidLabels, UsageError
from lidar_label.jobs.output_folder import LABELS, RESULT, RUN, read_json
from lidar_label.jobs.sources import Source
from lidar_label.label_matching import match_greedily, measure_overlaps

_SAME_IOU = 0.1  # BEV: the same object, perhaps moved


@dataclass(frozen=True)
class DiffRules:
    """From where on a cuboid counts as moved.

    Attributes:
        metres: Of its centre, or of any side.
        radians: Of its yaw.
    """

    metres: float = 0.1
    radians: float = float(np.deg2rad(5))


@dataclass(frozen=True, eq=False)
class LabelDiff:
    """How new labels differ from old ones of the same recording; rows are cuboids of a frame.

    Attributes:
        added: Rows of the new labels that no old one overlaps.
        removed: Rows of the old ones that no new one overlaps.
        moved: (K, 2) rows old, new of one object with another place, size or yaw.
        class_changed: (K, 2) rows old, new of one object with another class.
        same: Number of rows that are neither.
    """

    added: Ints
    removed: Ints
    moved: Ints
    class_changed: Ints
    same: int

    def counts(self) -> dict[str, int]:
        """How many of each; a cuboid may be moved and have another class."""
        return {
            "added": len(self.added),
            "removed": len(self.removed),
            "moved": len(self.moved),
            "class_changed": len(self.class_changed),
            "same": self.same,
        }


def diff_labels(old: Cuboids, new: Cuboids, rules: DiffRules = DiffRules()) -> LabelDiff:
    """Compare frame by frame; the pair that overlaps most goes together first."""
    pairs = measure_overlaps(
        new.boxes, old.boxes, new.frame.astype(np.int64), old.frame.astype(np.int64)
    )
    near = pairs.bev >= _SAME_IOU
    match = match_greedily(
        pairs.label[near], pairs.truth[near], pairs.bev[near], np.zeros(len(new)), len(old)
    )
    taken = np.zeros(len(old), dtype=np.bool_)
    taken[match[match >= 0]] = True
    here = np.flatnonzero(match >= 0)
    both = np.column_stack((match[here], here))
    a, b = old.boxes[both[:, 0]], new.boxes[both[:, 1]]
    shift = np.linalg.norm(a[:, :3] - b[:, :3], axis=1)
    growth = np.abs(a[:, 3:6] - b[:, 3:6]).max(axis=1, initial=0.0)
    turn = np.abs(wrap_angle(a[:, 6] - b[:, 6]))
    moved = (shift > rules.metres) | (growth > rules.metres) | (turn > rules.radians)
    renamed = old.category[both[:, 0]] != new.category[both[:, 1]]
    return LabelDiff(
        added=np.flatnonzero(match < 0),
        removed=np.flatnonzero(~taken),
        moved=both[moved],
        class_changed=both[renamed],
        same=int((~moved & ~renamed).sum()),
    )


def describe_diff(diff: LabelDiff, old: Cuboids, new: Cuboids) -> dict[str, Any]:
    """Counts and every difference, as a JSON document."""
    rows: list[dict[str, Any]] = [
        *(_row("added", None, new, int(i)) for i in diff.added),
        *(_row("removed", old, None, int(i)) for i in diff.removed),
        *(_row("moved", old, new, *map(int, pair)) for pair in diff.moved),
        *(_row("class_changed", old, new, *map(int, pair)) for pair in diff.class_changed),
    ]
    rows.sort(key=lambda row: (row["frame"], row["change"]))
    return {"rules": asdict(DiffRules()), "counts": diff.counts(), "changes": rows}


def _row(
    change: str, old: Cuboids | None, new: Cuboids | None, first: int, second: int | None = None
) -> dict[str, Any]:
    row: dict[str, Any] = {"change": change}
    for side, cuboids, i in (
        ("old", old, first),
        ("new", new, first if second is None else second),
    ):
        if cuboids is not None:
            row["frame"] = int(cuboids.frame[i])
            row[side] = {
                "category": str(cuboids.category[i]),
                "track_id": int(cuboids.track_id[i]),
                "box": [round(value, 4) for value in cuboids.boxes[i].tolist()],
            }
    return row


class LabelsFolder:
    """Label files of a folder, found for a recording by the hash inside them, else by their name.

    The folder of another job fits, and one of files named for their recordings: `drive.parquet`.
    """

    def __init__(self, path: Path) -> None:
        """Read what each file says of its recording.

        Raises:
            UsageError: if there are no label files.
            InvalidLabels: if one does not read.
        """
        if not path.is_dir():
            raise UsageError(f"{path}: no such folder of labels")
        self._by_hash: dict[str, Path] = {}
        self._by_uri: dict[tuple[str, str | None], Path] = {}
        self._by_name: dict[str, Path] = {}
        files = [
            file
            for file in sorted(path.rglob("*.parquet"))
            if not {".work", "export"} & set(file.relative_to(path).parts[:-1])
            and (file.name == LABELS or "windows" not in file.name)
        ]
        if not files:
            raise UsageError(f"{path}: holds no label files (.parquet)")
        for file in files:
            self._add(file)

    def _add(self, file: Path) -> None:
        recording = read_provenance(file).get("recording")
        if isinstance(recording, str):
            self._by_hash[recording] = file
        if (file.parent / RESULT).is_file():
            run = read_json(file.parent / RUN)
            self._by_uri[str(run.get("uri")), run.get("sequence")] = file
        else:
            self._by_name[file.name.split(".")[0]] = file

    def find(self, source: Source, content_hash: str | None = None) -> Path | None:
        """The label file of a source, or None."""
        by_hash = self._by_hash.get(content_hash) if content_hash else None
        named = self._by_name.get(source.title.split(".")[0]) if not source.sequence else None
        return by_hash or self._by_uri.get((source.uri, source.sequence)) or named

    def load(self, source: Source, content_hash: str | None = None) -> Cuboids | None:
        """The labels of a source, or None."""
        file = self.find(source, content_hash)
        if file is None:
            return None
        try:
            return load_cuboids(file)
        except InvalidLabels as error:
            raise InvalidLabels(f"{error}; repair or remove it") from error
