"""Routes of activity windows: where a signal changes, proposals from tags, what to tag next."""

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from fastapi import APIRouter, Query, Response

from lidar_label.datasets.export_names import WindowFormat, window_ending
from lidar_label.datasets.signals import Signal
from lidar_label.datasets.windows import UNKNOWN, Windows
from lidar_label.errors import NotFound
from lidar_label.store.rows import ACCEPTED, PROPOSED, Window
from lidar_label.viewers.api.activity_models import (
    ChangesDocument,
    ClockDocument,
    ProposalsDocument,
    ProposalsQuestion,
    SimilarDocument,
    SuggestionDocument,
)
from lidar_label.viewers.api.activity_signals import known_signal
from lidar_label.viewers.api.models import Nanoseconds
from lidar_label.viewers.api.path_numbers import Number
from lidar_label.viewers.api.permissions import Labeller, Reader
from lidar_label.viewers.api.problems import PROBLEMS, Problem
from lidar_label.viewers.api.services import Services, Shared
from lidar_label.viewers.api.signal_pyramid import signal_pyramid

if TYPE_CHECKING:
    from lidar_label.datasets.recording import Recording

_TIER = "activity"  # what the classifier proposes; the other tiers are tagged by hand
_LEAST_PIECE_NS = 1_200_000_000  # as the shortest stretch between two changes
_WORDS = ("category", "tier", "reason")
_MEDIA = {
    "csv": "text/csv", "txt": "text/plain", "json": "application/json", "eaf": "application/xml",
}  # fmt: skip
Penalty = Annotated[
    float, Query(gt=0, le=100, description="1 is usual; higher keeps only clearer changes")
]
router = APIRouter(
    prefix="/projects/{project}/recordings/{recording}/signals/{sensor}",
    responses=PROBLEMS,
    tags=["activities"],
)


@router.get("/clock")
def clock(
    project: Number, recording: Number, sensor: str, access: Reader, shared: Shared
) -> ClockDocument:
    """When the signal begins and ends, how fast it was sampled, and its gaps."""
    opened = known_signal(shared, project, recording, sensor)

    def make() -> bytes:
        times = np.asarray(signal_pyramid(opened, sensor, shared.cache).time_ns)  # asked for next
        signal = Signal(times, np.empty((len(times), 0)), (), (), f"{opened.path}: {sensor}")
        if not len(signal):
            raise NotFound(f"signal {sensor} has no samples")
        document = ClockDocument(
            from_ns=str(signal.time_ns[0]), to_ns=str(signal.time_ns[-1]), samples=len(signal),
            rate_hz=signal.rate_hz, gaps=[(str(a), str(b)) for a, b in signal.gaps.tolist()],
        )  # fmt: skip
        return document.model_dump_json().encode()

    key = f"{opened.content_hash}-k-{sensor.encode().hex()}"
    return ClockDocument.model_validate_json(shared.clouds.get(key, make))


@router.get("/changes")
def changes(
    project: Number,
    recording: Number,
    sensor: str,
    access: Reader,
    shared: Shared,
    penalty: Penalty = 1.0,
) -> ChangesDocument:
    """Where the signal changes, each with the band that holds the true boundary."""
    return _changes(shared, known_signal(shared, project, recording, sensor), sensor, penalty)


@router.post("/proposals")
def propose(
    project: Number,
    recording: Number,
    sensor: str,
    question: ProposalsQuestion,
    access: Labeller,
    shared: Shared,
) -> ProposalsDocument:
    """Learn from the accepted windows and propose the rest; what people decided stays."""
    from lidar_label.activity_classification import classify_windows

    opened = known_signal(shared, project, recording, sensor)
    tags = _tags(shared, recording, sensor)
    if not len(tags):
        raise Problem(422, "no window is accepted yet; tag one of each activity first")
    moments = shared.described.get(opened, sensor)
    found = classify_windows(moments, tags)
    loaded = shared.store.load_windows(
        recording, found, sensor=sensor, client_id=question.client_id
    )
    unknown = found.category == UNKNOWN
    lasting = (found.end_ns - found.start_ns) / 1e9
    return ProposalsDocument(
        tags=len(tags), proposed=loaded.cuboids, replaced=loaded.replaced,
        unknown_s=float(lasting[unknown].sum()),
    )  # fmt: skip


@router.get("/suggestions")
def suggestions(
    project: Number,
    recording: Number,
    sensor: str,
    access: Reader,
    shared: Shared,
    count: Annotated[int, Query(ge=1, le=50)] = 3,
    between: Annotated[
        float | None,
        Query(
            gt=0,
            le=100,
            description="whole stretches between changes of that penalty; else 2.56 s",
        ),
    ] = None,
) -> list[SuggestionDocument]:
    """The windows whose tags would teach most, best first."""
    from lidar_label.activity_learning import suggest_next, untagged_pieces

    opened = known_signal(shared, project, recording, sensor)
    moments, tags = shared.described.get(opened, sensor), _tags(shared, recording, sensor)
    candidates = None
    if between is not None:
        changes = np.array(_changes(shared, opened, sensor, between).time_ns, dtype=np.int64)
        candidates = untagged_pieces(moments.even, changes, tags, _LEAST_PIECE_NS)
    found = suggest_next(moments, tags, candidates=candidates, count=count)
    return [
        SuggestionDocument(
            start_ns=str(each.start_ns), end_ns=str(each.end_ns), worth=each.worth,
            reason=each.reason, guess=each.guess,
        )
        for each in found
    ]  # fmt: skip


@router.get("/similar")
def similar(
    project: Number,
    recording: Number,
    sensor: str,
    access: Reader,
    shared: Shared,
    from_ns: Annotated[Nanoseconds, Query(alias="from")],
    to_ns: Annotated[Nanoseconds, Query(alias="to")],
    count: Annotated[int, Query(ge=1, le=100)] = 10,
) -> list[SimilarDocument]:
    """The stretches most like one window, best first."""
    from lidar_label.activity_search import find_similar

    opened = known_signal(shared, project, recording, sensor)
    even = shared.described.get(opened, sensor).even
    found = find_similar(even, *_span(from_ns, to_ns), count=count)
    return [
        SimilarDocument(
            start_ns=str(found.start_ns[i]), end_ns=str(found.end_ns[i]),
            score=float(found.score[i]), reason=str(found.reason[i]),
        )
        for i in range(len(found))
    ]  # fmt: skip


@router.get("/windows", response_class=Response)
def export_windows(
    project: Number,
    recording: Number,
    sensor: str,
    access: Reader,
    shared: Shared,
    form: WindowFormat = "csv",
    proposals: Annotated[bool, Query(description="also those nobody has judged")] = False,
) -> Response:
    """The windows of a signal as a file, in the forms that `lidar-label segment` writes."""
    from lidar_label.window_files import write_windows

    opened = known_signal(shared, project, recording, sensor)
    states = {ACCEPTED, PROPOSED} if proposals else {ACCEPTED}
    windows = _windows(shared, recording, sensor, states, channels=True)
    times = opened.imu(sensor).time_ns
    shared.access_log.read(access, "labels.export", project, f"recording {recording}")
    ending = window_ending(form)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"windows.{ending}"
        write_windows(_as_columns(windows), path, form, int(times[0]) if len(times) else 0)
        content = path.read_bytes()
    kind = _MEDIA.get(ending, "application/octet-stream")
    name = f"recording-{recording}.windows.{ending}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type=kind, headers=headers)


def _changes(shared: Services, opened: "Recording", sensor: str, penalty: float) -> ChangesDocument:
    from lidar_label.activities import ChangePointConfig, change_points

    def make() -> bytes:
        even = shared.described.get(opened, sensor).even
        found = change_points(even, ChangePointConfig(penalty=penalty))
        columns = {"time_ns": found.time_ns, "low_ns": found.low_ns, "high_ns": found.high_ns}
        document = {name: list(map(str, column.tolist())) for name, column in columns.items()}
        return json.dumps({**document, "gain": found.gain.round(3).tolist()}).encode()

    key = f"{opened.content_hash}-c-{sensor.encode().hex()}-{penalty}"
    return ChangesDocument.model_validate_json(shared.clouds.get(key, make))


def _tags(shared: Services, recording: int, sensor: str) -> Windows:
    """The accepted windows of the tier that is learned."""
    accepted = _windows(shared, recording, sensor, {ACCEPTED})
    return _as_columns([one for one in accepted if one.tier == _TIER and one.category != UNKNOWN])


def _windows(
    shared: Services, recording: int, sensor: str, states: set[str], *, channels: bool = False
) -> list[Window]:
    """Of all of a sensor; with `channels` also those of one channel, named `sensor/channel`."""
    found = shared.store.labels(recording).windows
    return [
        one
        for one in found
        if one.state in states
        and (one.sensor in {sensor, ""} or (channels and one.sensor.startswith(f"{sensor}/")))
    ]


def _as_columns(windows: list[Window]) -> Windows:
    if not windows:
        return Windows.empty()
    scores = [np.nan if one.score is None else one.score for one in windows]
    words = {name: _texts([getattr(one, name) for one in windows]) for name in _WORDS}
    return Windows.of(
        np.array([one.start_ns for one in windows], dtype=np.int64),
        np.array([one.end_ns for one in windows], dtype=np.int64),
        score=np.array(scores, dtype=np.float32),
        **words,
    )


def _span(from_ns: str, to_ns: str) -> tuple[int, int]:
    """Both as int64, which nineteen digits may exceed."""
    low, high = (max(-(2**62), min(int(text), 2**62)) for text in (from_ns, to_ns))
    return low, high


def _texts(words: list[str]) -> np.ndarray:
    return np.array([*words, None], dtype=object)[:-1]
