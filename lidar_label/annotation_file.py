"""A recording annotated into a label file, and gone on with where an earlier run stopped."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lidar_label.annotation import Annotation, AnnotationConfig, Progress, annotate, provenance_of
from lidar_label.cuboids import Cuboids, read_provenance, save_cuboids
from lidar_label.datasets.recording import Recording
from lidar_label.errors import InvalidLabels, UsageError
from lidar_label.work_folder import WorkFolder


def annotate_to_file(
    recording_path: str | Path,
    out: str | Path,
    config: AnnotationConfig | None = None,
    *,
    force: bool = False,
    workers: int = 1,
    progress: Progress | None = None,
    detections: Sequence[Cuboids] | None = None,
) -> Annotation | None:
    """Annotate into a label file, going on where an interrupted run stopped.

    The same recording, configuration and version give the same bytes.

    Returns:
        What came out; None when `out` already holds exactly that.

    Raises:
        UsageError: if `out` holds something else and `force` is not given.
    """
    config = config or AnnotationConfig()
    out = Path(out)
    with Recording(recording_path) as recording:
        work = out.with_name(out.name + ".work")
        if out.exists() and not force:
            provenance = provenance_of(recording, config, detections)
            _check_same(out, provenance)
            if work.exists():  # killed between writing the result and tidying up
                with WorkFolder(work, provenance) as folder:
                    folder.remove()
            return None
        annotation = annotate(
            recording,
            config,
            work=work,
            workers=workers,
            progress=progress,
            detections=detections,
        )
    with WorkFolder(work, annotation.provenance) as folder:
        save_cuboids(annotation.cuboids, out, annotation.provenance)
        folder.remove()
    return annotation


def _check_same(out: Path, wanted: Mapping[str, Any]) -> None:
    remedy = "choose another -o, or --force to replace it"
    try:
        present = read_provenance(out)
    except InvalidLabels as error:
        raise UsageError(f"{out}: exists and is not a label file; {remedy}") from error
    differing = [
        key for key in _leaves(wanted) if _leaves(present).get(key) != _leaves(wanted)[key]
    ]
    if differing:
        was = _leaves(present).get(differing[0], "absent")
        raise UsageError(
            f"{out}: exists and was made otherwise ({differing[0]}: {was}, "
            f"now {_leaves(wanted)[differing[0]]}); {remedy}"
        )


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _leaves(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
