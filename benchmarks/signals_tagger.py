"""A made-up person tags postures on the signals page: until 97 % of the time is right.

Run it: `python -m lidar_label.benchmarks.signals_tagger DATA [--json]`. The person answers "tag
this next" (2.56 s each) a dozen times, leaving unknown what has no name in the truth; then, as
long as too much is wrong, draws the true window of which the most is wrong. After each the
machine proposes anew. Scored is the named time only. By hand, the longest named stretches are
drawn until the same share is right. A person's seconds are counted, not
measured: `_ANSWER_S` to look and press a key, `_DRAW_S` to find and drag both ends and press a
key; the machine's seconds are measured.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lidar_label.activity_classification import classify_windows, describe
from lidar_label.activity_learning import suggest_next
from lidar_label.arrays import Ints, Strings
from lidar_label.benchmarks.activity_recordings import Labelled, posture_recordings
from lidar_label.datasets.windows import UNKNOWN, Windows
from lidar_label.errors import UsageError

_GOAL = 0.97
_MOST_TAGS = 120
_ANSWERS = 12
_ANSWER_S = 3.0
_DRAW_S = 10.0
_STEP_NS = 100_000_000  # the grid that is scored


def main(arguments: Sequence[str] | None = None) -> int:
    """Tag every posture recording below DATA."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)  # fmt: skip # noqa: E501
    parser.add_argument("data", type=Path)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    recordings = posture_recordings(asked.data)
    if not recordings:
        raise UsageError(f"{asked.data}: no imu/hapt recordings; give a folder that holds some")
    for recording in recordings:
        figures = tag_recording(recording)
        line = "  ".join(f"{name} {value}" for name, value in figures.items())
        print(json.dumps(figures) if asked.json else line, flush=True)  # noqa: T201
    return 0


def tag_recording(recording: Labelled) -> dict[str, float | str]:
    """Answers, drawn windows, seconds and the share that is right, beside drawing every window."""
    times, names = named_times(recording.truth)
    moments = describe(recording.signal)
    tags = proposed = Windows.empty()
    said = np.full(len(times), UNKNOWN, dtype=object)
    answers = drawn = 0
    machine_s = 0.0
    while np.mean(said == names) < _GOAL and answers + drawn < _MOST_TAGS:
        began = time.perf_counter()
        if answers < _ANSWERS:
            best = suggest_next(moments, tags)[0]
            answer = _commonest(times, names, best.start_ns, best.end_ns)
            tags = _with(tags, best.start_ns, best.end_ns, answer)
            answers += 1
        else:
            row = _most_wrong(times, names, said, recording.truth)
            start, end = int(recording.truth.start_ns[row]), int(recording.truth.end_ns[row])
            tags = _with(tags, start, end, str(recording.truth.category[row]))
            drawn += 1
        if (tags.category != UNKNOWN).any():
            proposed = classify_windows(moments, tags)
        machine_s += time.perf_counter() - began
        said = said_at(times, tags, proposed)
    by_hand = windows_by_hand(recording.truth)
    return {
        "recording": recording.name,
        "right": round(float(np.mean(said == names)), 4),
        "answers": answers,
        "drawn": drawn,
        "person_s": _ANSWER_S * answers + _DRAW_S * drawn,
        "machine_s": round(machine_s, 1),
        "drawn_by_hand": by_hand,
        "person_by_hand_s": _DRAW_S * by_hand,
    }


def windows_by_hand(truth: Windows) -> int:
    """How many of the longest windows hold the wanted share of the named time."""
    lengths = np.sort(truth.end_ns - truth.start_ns)[::-1]
    return int(np.searchsorted(np.cumsum(lengths) / lengths.sum(), _GOAL)) + 1


def _most_wrong(times: Ints, names: Strings, said: Strings, truth: Windows) -> int:
    """The true window of which the most is wrong."""
    wrong = times[said != names]
    counts = np.searchsorted(wrong, truth.end_ns) - np.searchsorted(wrong, truth.start_ns)
    return int(counts.argmax())


def named_times(truth: Windows) -> tuple[Ints, Strings]:
    """Moments every tenth of a second that have a name, and the names."""
    rows = [np.arange(a, b, _STEP_NS) for a, b in zip(truth.start_ns, truth.end_ns, strict=True)]
    counts = [len(row) for row in rows]
    return np.concatenate(rows), np.repeat(truth.category, counts)


def _commonest(times: Ints, names: Strings, start: int, end: int) -> str:
    inside = names[(times >= start) & (times < end)]
    if not len(inside):
        return UNKNOWN
    found, counts = np.unique(inside.astype(str), return_counts=True)
    return str(found[counts.argmax()])


def _with(tags: Windows, start: int, end: int, name: str) -> Windows:
    return Windows.of(
        np.append(tags.start_ns, start),
        np.append(tags.end_ns, end),
        category=np.array([*tags.category, name, None], dtype=object)[:-1],
    )


def said_at(times: Ints, tags: Windows, proposed: Windows) -> Strings:
    """What the tags, or else the proposals, say of each moment."""
    said = np.full(len(times), UNKNOWN, dtype=object)
    for windows in (proposed, tags):
        for i in np.flatnonzero(windows.category != UNKNOWN).tolist():
            said[(times >= windows.start_ns[i]) & (times < windows.end_ns[i])] = windows.category[i]
    return said


if __name__ == "__main__":
    sys.exit(main())
