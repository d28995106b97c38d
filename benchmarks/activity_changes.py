"""Where activities change, and what was driven: ours and the peers' on labelled recordings."""

from collections.abc import Callable
from itertools import product

import numpy as np

from lidar_label.activities import ChangePointConfig, change_points
from lidar_label.activity_evaluation import boundaries, boundary_f1, covering
from lidar_label.activity_features import ChangeRows
from lidar_label.arrays import Floats, Ints
from lidar_label.benchmarks.activity_peers import ruptures_search
from lidar_label.benchmarks.activity_recordings import Labelled, mean_and_spread
from lidar_label.benchmarks.people_splits import as_given, chosen_elsewhere
from lidar_label.benchmarks.rows import Row, more_is_better
from lidar_label.datasets.signals import NS_PER_S

_PENALTIES = tuple(np.geomspace(0.5, 2000, 25).tolist())
_FIGURES = ("F1 within 1 s", "F1 within 2 s", "covering")


def change_settings() -> list[ChangePointConfig]:
    """The default first, then what lies about it."""
    settings = [ChangePointConfig()]
    for penalty, gravity, energy, floor in product(
        (0.7, 1.0, 1.4), (2.7, 4.0, 6.0), (2.0, 3.0, 4.5), (0.05, 0.1, 0.2)
    ):
        rows = ChangeRows(gravity_weight=gravity, energy_weight=energy, energy_floor_g=floor)
        settings.append(ChangePointConfig(penalty=penalty, rows=rows))
    return settings


def change_rows(name: str, recordings: list[Labelled]) -> list[Row]:
    """Agreement of change points, at the defaults and with constants chosen on other people."""
    if not recordings:
        return []
    people = [recording.person for recording in recordings]
    ours = _figures(recordings, [lambda r, s=s: _found(r, s) for s in change_settings()])
    peers: dict[str, Floats] = {}
    for title, kernel in (("PELT l2", "linear"), ("KernelCPD rbf", "rbf")):
        try:
            figures = peer_settings(recordings, kernel)
        except ImportError:
            continue
        peers[f"{title} (ruptures)"] = chosen_elsewhere(figures, people)
    rows: list[Row] = []
    for label, found in (
        ("defaults", as_given(ours[0], people)),
        ("constants of other people", chosen_elsewhere(ours, people)),
    ):
        for column, figure in enumerate(_FIGURES):
            mine, spread = mean_and_spread(found[:, column])
            means = {peer: float(theirs[:, column].mean()) for peer, theirs in peers.items()}
            best = max(means, key=lambda peer: means[peer], default="")
            title = f"change points, {name}, {figure}, {label} ({spread})"
            rows.append(more_is_better(title, mine, best, means.get(best), ""))
    return rows


def _found(recording: Labelled, settings: ChangePointConfig) -> Ints:
    return change_points(recording.signal, settings).time_ns


def agreement(recording: Labelled, found_ns: Ints) -> tuple[float, float, float]:
    """F1 within 1 s, within 2 s, covering; over the span that the truth names."""
    edges = boundaries(recording.truth)
    start, end = int(edges[0]), int(edges[-1])
    inside = found_ns[(found_ns > start + NS_PER_S // 2) & (found_ns < end - NS_PER_S // 2)]
    return (
        boundary_f1(edges[1:-1], inside, 1.0),
        boundary_f1(edges[1:-1], inside, 2.0),
        covering(edges[1:-1], inside, start, end),
    )


def _figures(recordings: list[Labelled], tries: list[Callable[[Labelled], Ints]]) -> Floats:
    """(C, R, 3) agreement of each way to search on each recording."""
    return np.array([[agreement(r, search(r)) for r in recordings] for search in tries])


def peer_settings(recordings: list[Labelled], kernel: str) -> Floats:
    """(C, R, 3) agreement of a search of ruptures at every penalty.

    Raises:
        ImportError: if ruptures is not installed.
    """
    search = ruptures_search(kernel)
    return _figures(recordings, [lambda r, p=p: search(r.signal, p) for p in _PENALTIES])
