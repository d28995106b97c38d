"""Routes of label files: taken in as Parquet, given out in a dataset's format."""

import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from lidar_label.cuboids import load_cuboids
from lidar_label.exported_labels import exported
from lidar_label.viewers.api.label_models import ImportDocument
from lidar_label.viewers.api.path_numbers import Number
from lidar_label.viewers.api.permissions import Manager, Reader
from lidar_label.viewers.api.problems import PROBLEMS
from lidar_label.viewers.api.services import Services, Shared

router = APIRouter(
    prefix="/projects/{project}/recordings/{recording}", responses=PROBLEMS, tags=["label files"]
)
Format = Literal["kitti", "kitti-tracking", "sustechpoints", "argoverse2", "csv", "parquet"]
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


@router.get(
    "/export",
    response_class=Response,
    responses={200: {"description": "A zip archive", "content": {"application/zip": _BYTES}}},
)
def export(
    project: Number,
    recording: Number,
    access: Reader,
    shared: Shared,
    format: Format,  # noqa: A002  # the question's name
    proposed: Annotated[bool, Query(description="proposals nobody has judged too")] = False,
) -> Response:
    """The labels in a dataset's format, zipped, with CONVENTIONS.txt and NOT_EXPORTED.txt."""
    from lidar_label.datasets.exports import export_labels

    opened = shared.open(project, recording)
    shared.access_log.read(access, "labels.export", project, f"recording {recording}")
    cuboids = exported(shared.store, recording, proposed=proposed)
    with TemporaryDirectory() as place:
        folder, archive = Path(place) / "labels", Path(place) / "labels.zip"
        files = export_labels(cuboids, opened, format, folder)
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            for path in files:
                zipped.write(path, path.relative_to(folder))
        content = archive.read_bytes()
    headers = {"Content-Disposition": f'attachment; filename="labels-{recording}-{format}.zip"'}
    return Response(content, media_type="application/zip", headers=headers)


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
