"""Routes of label files: taken in as Parquet, given out in a dataset's format."""

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from lidar_label.cuboids import load_cuboids
from lidar_label.datasets.export_names import (
    EXPORT_FORMATS,
    NEED_CAMERAS,
    WINDOW_FORMATS,
    ExportFormat,
)
from lidar_label.exported_labels import exported
from lidar_label.viewers.api.label_models import ExportFormatsDocument, ImportDocument
from lidar_label.viewers.api.path_numbers import Number
from lidar_label.viewers.api.permissions import Manager, Reader
from lidar_label.viewers.api.problems import PROBLEMS
from lidar_label.viewers.api.services import Services, Shared

router = APIRouter(
    prefix="/projects/{project}/recordings/{recording}", responses=PROBLEMS, tags=["label files"]
)
_PIECE_BYTES = 1 << 20  # of an answer
_BYTES = {"schema": {"type": "string", "format": "binary"}}
_PARQUET = {"required": True, "content": {"application/octet-stream": _BYTES}}


@router.post("/labels/import", openapi_extra={"requestBody": _PARQUET})
async def import_labels(
    project: Number,
    recording: Number,
    request: Request,
    access: Manager,
    shared: Shared,
    proposals: Annotated[bool, Query(description="the machine's, to be verified")] = False,
) -> ImportDocument:
    """Take in a Parquet file of cuboids, as `lidar-label import` or `annotate` writes it."""
    content = await request.body()
    return await run_in_threadpool(
        _import, shared, project, recording, content, access.user, proposals
    )


@router.get("/export-formats")
def export_formats(
    project: Number, recording: Number, access: Reader, shared: Shared
) -> ExportFormatsDocument:
    """The formats in which this recording's labels can be had."""
    opened = shared.open(project, recording)
    lacking = () if opened.cameras else NEED_CAMERAS
    offered = EXPORT_FORMATS if opened.frame_count else ()
    return ExportFormatsDocument(
        cuboids=[form for form in offered if form not in lacking],
        windows=list(WINDOW_FORMATS) if opened.imus else [],
        signals=list(opened.imus),
    )


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={200: {"description": "A zip archive", "content": {"application/zip": _BYTES}}},
)
def export(
    project: Number,
    recording: Number,
    access: Reader,
    shared: Shared,
    format: ExportFormat,  # noqa: A002  # the question's name
    proposed: Annotated[bool, Query(description="proposals nobody has judged too")] = False,
) -> StreamingResponse:
    """The labels in a dataset's format, zipped, with CONVENTIONS.txt and NOT_EXPORTED.txt."""
    from lidar_label.datasets.exports import export_labels

    opened = shared.open(project, recording)
    shared.access_log.read(access, "labels.export", project, f"recording {recording}")
    cuboids = exported(shared.store, recording, proposed=proposed)
    place = shared.folder / "exports"  # a drive of points may be more than /tmp holds
    place.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=place) as parent:
        folder = Path(parent) / "labels"
        archive = _zipped(export_labels(cuboids, opened, format, folder), folder, place)
    name = f"labels-{recording}-{format}.zip"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Length": str(archive.seek(0, 2)),
    }
    return StreamingResponse(_pieces(archive), media_type="application/zip", headers=headers)


def _zipped(files: Sequence[Path], folder: Path, place: Path) -> IO[bytes]:
    """An archive without a name in the folder `place`; it is gone once it is closed."""
    archive = TemporaryFile(dir=place)  # noqa: SIM115  # closed when it has been sent
    try:
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            for path in files:
                zipped.write(path, path.relative_to(folder))
    except BaseException:
        archive.close()
        raise
    return archive


def _pieces(archive: IO[bytes]) -> Iterator[bytes]:
    with archive:
        archive.seek(0)
        while piece := archive.read(_PIECE_BYTES):
            yield piece


def _import(
    shared: Services, project: int, recording: int, content: bytes, author: str, proposals: bool
) -> ImportDocument:
    shared.info(project, recording)
    with TemporaryDirectory() as place:
        path = Path(place) / "labels.parquet"
        path.write_bytes(content)
        cuboids = load_cuboids(path)
    if proposals:
        done = shared.store.load_proposals(recording, cuboids)
    else:
        done = shared.store.import_labels(recording, author, cuboids)
    return ImportDocument(seq=done.seq, cuboids=done.cuboids, unmapped=dict(done.unmapped))
