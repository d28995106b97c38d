"""Routes that make a recording of a file of signals that was sent: preview, then import."""

import shutil
from pathlib import Path, PurePosixPath

from fastapi import APIRouter

from lidar_label.datasets.signal_files import SignalOptions
from lidar_label.datasets.signal_recording import SUFFIXES, record_signals
from lidar_label.errors import LidarLabelError, UsageError
from lidar_label.viewers.api.models import RecordingLine
from lidar_label.viewers.api.path_numbers import Number
from lidar_label.viewers.api.permissions import Manager
from lidar_label.viewers.api.problems import PROBLEMS
from lidar_label.viewers.api.recording_routes import add_recording
from lidar_label.viewers.api.services import Shared
from lidar_label.viewers.api.signal_import import preview, said
from lidar_label.viewers.api.signal_import_models import (
    SignalImportQuestion,
    SignalOptionsQuestion,
    SignalPreview,
)

router = APIRouter(
    prefix="/projects/{project}/uploads/{upload}", responses=PROBLEMS, tags=["recordings"]
)


@router.post("/signal-preview")
def preview_signal(
    project: Number, upload: str, question: SignalOptionsQuestion, access: Manager, shared: Shared
) -> SignalPreview:
    """What a file of signals (CSV, text, Parquet, WAV) would become; nothing is stored."""
    found = shared.uploads.find(project, upload)
    path = shared.uploads.content(found, _suffix(found.name))
    return preview(path, found.name, _options(question))


@router.post("/signal", status_code=201)
def import_signal(
    project: Number, upload: str, question: SignalImportQuestion, access: Manager, shared: Shared
) -> RecordingLine:
    """Make the recording and register it; the file that was sent is kept beside it."""
    found = shared.uploads.find(project, upload)
    path = shared.uploads.content(found, _suffix(found.name))
    place = shared.folder / "recordings" / f"signal-{found.id}"
    place.mkdir(parents=True, exist_ok=True)
    out = place / f"{PurePosixPath(found.name).stem}.h5"
    try:
        said(path, found.name, lambda: record_signals((path,), out, _options(question)))
        made = add_recording(shared, project, question.name, str(out), access.user)
    except LidarLabelError:
        shutil.rmtree(place, ignore_errors=True)
        raise
    shutil.copyfile(path, place / Path(found.name).name)
    shared.uploads.drop(found)
    return made


def _options(question: SignalOptionsQuestion) -> SignalOptions:
    return SignalOptions(
        time_column=question.time_column,
        time_unit=question.time_unit,
        time_zone=question.time_zone,
        rate_hz=question.rate_hz,
        channels=tuple(question.channels),
        units=dict(question.units),
    )


def _suffix(name: str) -> str:
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"{name}: no file of signals; give one of {' '.join(sorted(SUFFIXES))}")
    return suffix
