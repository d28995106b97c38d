"""Takes in whole sets of windows as `loading` does cuboids; a person is never overwritten."""

import math
from collections.abc import Iterable, Sequence

from lidar_label.datasets.windows import UNKNOWN, Windows
from lidar_label.ontology import WINDOW
from lidar_label.store.draft import Draft, Setting
from lidar_label.store.loading import Loaded
from lidar_label.store.rows import ACCEPTED, AUTO, IMPORT, PROPOSED, Window

Span = tuple[int, int]


def propose_windows(draft: Draft, windows: Windows, sensor: str, setting: Setting) -> Loaded:
    """Replace untouched proposals for a sensor by new ones, cut back where people have decided."""
    mine = [one for one in draft.windows.values() if one.sensor == sensor]
    free = [one for one in mine if one.source == AUTO and one.state == PROPOSED]
    decided = [one for one in mine if one not in free]
    for one in free:
        draft.drop(one)
    added = left_out = 0
    rows, unmapped = _rows(windows, sensor, setting, source=AUTO, state=PROPOSED)
    for row in rows:
        taken = [(one.start_ns, one.end_ns) for one in decided if one.tier == row.tier]
        pieces = list(_without((row.start_ns, row.end_ns), taken))
        left_out += pieces != [(row.start_ns, row.end_ns)]
        for start, end in pieces:
            added += 1
            draft.put(row._replace(window_id=draft.new_id(), start_ns=start, end_ns=end))
    return Loaded(
        seq=draft.seq, cuboids=added, replaced=len(free), left_out=left_out, unmapped=unmapped
    )


def take_in_windows(draft: Draft, windows: Windows, sensor: str, setting: Setting) -> Loaded:
    """Add windows that people made elsewhere, as they are, beside what is there."""
    rows, unmapped = _rows(windows, sensor, setting, source=IMPORT, state=ACCEPTED)
    for row in rows:
        draft.put(row._replace(window_id=draft.new_id()))
    return Loaded(seq=draft.seq, cuboids=len(rows), unmapped=unmapped)


def _rows(
    windows: Windows, sensor: str, setting: Setting, *, source: str, state: str
) -> tuple[list[Window], dict[str, int]]:
    ontology = setting.ontology().of(WINDOW)
    unmapped: dict[str, int] = {}
    rows: list[Window] = []
    for i in range(len(windows)):
        name = str(windows.category[i])
        found = ontology.find(name)
        if found is None and ontology.classes and name != UNKNOWN:
            unmapped[name] = unmapped.get(name, 0) + 1
        score = float(windows.score[i])
        rows.append(
            Window(
                window_id=0,
                start_ns=int(windows.start_ns[i]),
                end_ns=int(windows.end_ns[i]),
                category=found.name if found else name,
                tier=str(windows.tier[i]),
                sensor=sensor,
                score=None if math.isnan(score) else score,
                start_uncertainty_ns=int(windows.start_uncertainty_ns[i]),
                end_uncertainty_ns=int(windows.end_uncertainty_ns[i]),
                reason=str(windows.reason[i]),
                state=state,
                source=source,
                ontology_version=ontology.version,
            )
        )
    return rows, unmapped


def _without(span: Span, taken: Sequence[Span]) -> Iterable[Span]:
    """What is left of a span; an event, which has no length, is left whole or not at all."""
    start, end = span
    if start == end:
        if not any(first <= start < last or first == start for first, last in taken):
            yield span
        return
    for first, last in sorted(taken):
        if last <= start or first >= end:
            continue
        if first > start:
            yield start, first
        start = max(start, last)
        if start >= end:
            return
    yield start, end
