"""Every dataset format by its name: recognised from a folder, read, and written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lidar_label.datasets import (
    argoverse2,
    kitti,
    kitti_raw,
    kitti_sequences,
    nuscenes,
    openlabel,
    point_folder,
    rosbag,
    sustechpoints,
    view_of_delft,
)
from lidar_label.datasets.cuboids import Cuboids, load_cuboids, save_cuboids
from lidar_label.datasets.estimated_poses import estimate_poses
from lidar_label.datasets.exports import EXPORTERS, export_labels
from lidar_label.datasets.frame_names import (
    describe_source,
    file_names,
    frame_names,
    numbered_names,
)
from lidar_label.datasets.intake import Intake, Progress, Tally, folder
from lidar_label.datasets.recording import Recording, RecordingWriter
from lidar_label.datasets.remote_sources import local_copy
from lidar_label.datasets.rig_correction import RigCorrection
from lidar_label.datasets.tables import read_csv
from lidar_label.datasets.unknown_files import what_it_may_be
from lidar_label.errors import InvalidSource, UsageError

__all__ = [
    "EXPORTERS", "FORMATS", "ImportResult", "export_labels", "import_source", "read_labels",
    "recognise",
]  # fmt: skip


@dataclass(frozen=True)
class Frames:
    """What labels of a source are matched with when it is read without its sweeps.

    Attributes:
        times: Of the frames, nanoseconds.
        names: What the source calls them, where it says so.
    """

    times: Sequence[int]
    names: Sequence[str] | None

    def numbers(self) -> list[int]:
        """The frames' numbers: their names if these are numbers, else counted from 0."""
        return [int(name) for name in numbered_names(self.names, len(self.times))]

    def words(self) -> list[str]:
        """The frames' names, else six digits from 000000."""
        return file_names(self.names, len(self.times))


@dataclass(frozen=True)
class Format:
    """One dataset format.

    Attributes:
        name: As `--format` takes it.
        looks: What its folder looks like, for people.
        fits: Whether a path looks so.
        read: Reads a path into an intake; the last argument chooses one of several sequences.
        labels: Reads the labels alone, if it has any.
    """

    name: str
    looks: str
    fits: Callable[[Path], bool]
    read: Callable[[Path, Intake, str | None], None]
    labels: Callable[[Path, Tally, Frames | None, str | None], Cuboids] | None = None


@dataclass(frozen=True)
class ImportResult:
    """What an import made.

    Attributes:
        recording_path: The recording.
        labels: The source's labels, or None.
        warnings: What was odd, one line each.
        format: The format's name.
        labels_path: Where the labels were written, or None.
        sweeps: Sweeps of each LiDAR and radar.
        points: Of all sweeps.
        images: Of all cameras.
    """

    recording_path: Path
    labels: Cuboids | None
    warnings: list[str]
    format: str
    labels_path: Path | None
    sweeps: dict[str, int]
    points: int
    images: int


def recognise(path: str | Path) -> str:
    """The name of the format that a folder or file is in.

    Raises:
        InvalidSource: if it is absent, in no format that we know, or fits several.
    """
    path = Path(path)
    if not path.exists():
        raise InvalidSource(f"{path}: no such file or folder")
    found = [name for name, form in FORMATS.items() if form.fits(path)]
    # NumPy files hold anything: beside a dataset's own files they are no sweeps.
    files = point_folder.point_files(path)
    if len(found) > 1 and all(file.suffix in {".npy", ".npz"} for file in files):
        found = [name for name in found if name != "points"]
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidSource(
            f"{path}: could be {' or '.join(found)}; choose with --format {found[0]}"
        )
    if path.is_file():
        raise InvalidSource(f"{path}: in no format that we know; {what_it_may_be(path)}")
    known = "; ".join(f"{form.name} ({form.looks})" for form in FORMATS.values())
    raise InvalidSource(f"{path}: in no format that we know. Known: {known}")


def import_source(
    source: str | Path,
    out: str | Path,
    format: str | None = None,  # noqa: A002  # the option's name
    *,
    progress: Progress | None = None,
    sequence: str | None = None,
    overwrite: bool = False,
    poses: bool = True,
    correction: RigCorrection | None = None,
) -> ImportResult:
    """Read a dataset folder or file into a recording and, where it has labels, a file of labels.

    Args:
        source: The folder or file, or its URL (s3://, …), which is copied into the user's cache.
        out: The recording; labels go beside it as `<stem>.labels.parquet`.
        format: Name of the format; recognised when None. `kitti` is whichever of KITTI's sets fits.
        progress: Called with (done, expected) after every sweep and image.
        sequence: Which sequence, drive or log, where the source holds several.
        overwrite: Replace `out` and its labels.
        poses: Where the source has no ego poses, estimate them from its sweeps.
        correction: Of the axes, and of sensors whose place the source states the wrong way round.

    Raises:
        InvalidSource: if the source cannot be read as what it is.
        UsageError: if `out` exists, or a choice is missing.
    """
    source, out = local_copy(source), Path(out)
    form = _chosen(source, format)
    labels_path = out.with_name(out.stem + ".labels.parquet")
    with RecordingWriter(
        out, source=form.name, overwrite=overwrite, correction=correction
    ) as writer:
        intake = Intake(writer=writer, progress=progress)
        form.read(source, intake, sequence)
        if poses:
            estimate_poses(intake)
        name = source.resolve().name + (f" {sequence}" if sequence else "")
        writer.set_source(describe_source(form.name, name, intake.frame_names))
        labels = intake.labels()
        if labels is not None and correction is not None:
            labels = correction.labelled(labels)
    try:
        if labels is None:
            labels_path.unlink(missing_ok=True)  # of the recording that was replaced
        else:
            with Recording(out) as recording:
                provenance = {"source": recording.source, "recording": recording.content_hash}
            save_cuboids(labels, labels_path, provenance)
    except BaseException:
        out.unlink(missing_ok=True)
        raise
    return ImportResult(
        recording_path=out,
        labels=labels,
        warnings=intake.warnings(),
        format=form.name,
        labels_path=None if labels is None else labels_path,
        sweeps=dict(intake.sweeps),
        points=intake.points,
        images=intake.images,
    )


def read_labels(
    path: str | Path,
    recording: Recording | None = None,
    format: str | None = None,  # noqa: A002  # the option's name
    *,
    sequence: str | None = None,
) -> tuple[Cuboids, list[str]]:
    """Read labels alone: our Parquet or CSV, or the label files of a dataset's folder.

    Args:
        path: A .parquet or .csv file, or a folder; or its URL.
        recording: Tells which frame a label is in and at what time; without it frames are counted
            from the first that has labels, or by the number that the format states.
        format: As for `import_source`.
        sequence: As for `import_source`.

    Returns:
        The labels, and lines on what was odd.

    Raises:
        InvalidLabels: if a table does not read.
        InvalidSource: if a dataset does not read, or its format has no labels.
    """
    path = local_copy(path)
    if path.suffix.lower() in {".parquet", ".csv"} and path.is_file():
        read = load_cuboids if path.suffix.lower() == ".parquet" else read_csv
        return read(path), []
    form = _chosen(path, format)
    if form.labels is None:
        raise InvalidSource(f"{path}: the format {form.name} has no labels; give those of another")
    frames = None
    if recording is not None:
        times = [frame.time_ns for frame in recording.frames]
        frames = Frames(times, frame_names(recording))
    tally = Tally()
    labels = form.labels(path, tally, frames, sequence)
    if frames is not None and len(labels):
        labels = labels.replace(time_ns=np.array(frames.times, dtype=np.int64)[labels.frame])
    return labels, tally.warnings()


def _chosen(path: Path, name: str | None) -> Format:
    if name is None:
        return FORMATS[recognise(path)]
    if name == "kitti":
        fitting = [form for form in FORMATS.values() if "kitti" in form.name and form.fits(path)]
        if len(fitting) == 1:
            return fitting[0]
        names = [form.name for form in FORMATS.values() if "kitti" in form.name]
        raise InvalidSource(f"{path}: is not one of KITTI's sets; name one of {', '.join(names)}")
    if name not in FORMATS:
        raise UsageError(f"no format {name}; there are {', '.join(('kitti', *FORMATS))}")
    if not path.exists():
        raise InvalidSource(f"{path}: no such file or folder")
    return FORMATS[name]


def _is_object(path: Path) -> bool:
    base = kitti.object_folder(path)
    labelled = bool(folder(base / "label_2", (".txt",)))
    swept = bool(folder(base / "velodyne", (".bin",)))
    kept = labelled or (base / "calib").is_dir() or base != path
    return kept and (labelled or swept) and not folder(base / "pose", (".json",))


def _is_odometry(path: Path) -> bool:
    if kitti_sequences.odometry_sequences(path):
        return True
    beside = ("label_2", "calib", "pose", "training", "testing")
    swept = bool(folder(path / "velodyne", (".bin",)))
    return swept and not any((path / name).is_dir() for name in beside)


def _is_tracking(path: Path) -> bool:
    if path.is_file():
        return path.suffix == ".txt" and path.parent.name == "label_02"
    return bool(kitti_sequences.tracking_sequences(kitti.object_folder(path)))


def _is_view_of_delft(path: Path) -> bool:
    base = kitti.object_folder(path / "lidar" if (path / "lidar").is_dir() else path)
    swept = bool(folder(base / "velodyne", (".bin",)) or folder(base / "label_2", (".txt",)))
    return swept and (base.parent.name == "lidar" or bool(folder(base / "pose", (".json",))))


def _is_sustechpoints(path: Path) -> bool:
    return path.is_dir() and sustechpoints.scene_folder(path) is not None


FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        Format(
            "kitti-object",
            "training/ with velodyne/*.bin, calib/, label_2/",
            _is_object,
            lambda path, intake, _: kitti.read_object(path, intake),
            lambda path, tally, frames, _: kitti.read_object_labels(
                path, tally, frames and frames.numbers()
            ),
        ),
        Format(
            "kitti-tracking",
            "training/ with label_02/*.txt or velodyne/0000/, calib/*.txt",
            _is_tracking,
            kitti_sequences.read_tracking,
            lambda path, tally, frames, sequence: kitti_sequences.read_tracking_labels(
                path, tally, frames and frames.numbers(), sequence
            ),
        ),
        Format(
            "kitti-odometry",
            "velodyne/*.bin with calib.txt, times.txt, poses.txt where there, or sequences/",
            _is_odometry,
            kitti_sequences.read_odometry,
        ),
        Format(
            "kitti-raw",
            "a drive with velodyne_points/data/*.bin, or its date with calib_*.txt",
            lambda path: bool(kitti_raw.find_drives(path)),
            kitti_raw.read_raw,
            lambda path, tally, frames, sequence: kitti_raw.read_raw_labels(
                path, tally, frames and len(frames.times), sequence
            ),
        ),
        Format(
            "view-of-delft",
            "lidar/training and radar/training with velodyne/, calib/, pose/, label_2/",
            _is_view_of_delft,
            lambda path, intake, _: view_of_delft.read_view_of_delft(path, intake),
            lambda path, tally, frames, _: view_of_delft.read_view_of_delft_labels(
                path, tally, frames and frames.numbers()
            ),
        ),
        Format(
            "sustechpoints",
            "lidar/*.pcd or label/*.json, camera/, calib/camera/",
            _is_sustechpoints,
            lambda path, intake, _: sustechpoints.read_sustechpoints(path, intake),
            lambda path, tally, frames, _: sustechpoints.read_labels(
                sustechpoints.scene_folder(path) or path, tally, frames and frames.words()
            ),
        ),
        Format(
            "argoverse2",
            "a log with sensors/lidar/*.feather or annotations.feather",
            lambda path: bool(argoverse2.find_logs(path)),
            argoverse2.read_log,
            lambda path, tally, frames, sequence: argoverse2.read_log_labels(
                path, tally, frames and frames.times, sequence
            ),
        ),
        Format(
            "nuscenes",
            "a folder with v1.0-…/sample_data.json and the other tables, samples/, sweeps/",
            lambda path: nuscenes.find_tables(path) is not None,
            nuscenes.read_nuscenes,
            lambda path, tally, frames, sequence: nuscenes.read_nuscenes_labels(
                path, tally, frames and frames.times, sequence
            ),
        ),
        Format(
            "openlabel",
            "a .openlabel.json, or a .json whose root is `openlabel`",
            lambda path: openlabel.label_file(path) is not None,
            lambda path, intake, _: openlabel.read_openlabel(path, intake),
            lambda path, tally, frames, _: openlabel.read_openlabel_labels(
                path, tally, frames and frames.times
            ),
        ),
        Format(
            "rosbag",
            "a ROS .bag, .mcap or .db3, or a ROS 2 folder with metadata.yaml",
            lambda path: bool(rosbag.bag_files(path)),
            lambda path, intake, _: rosbag.read_rosbag(path, intake),
            lambda path, tally, frames, _: rosbag.read_rosbag_labels(
                path, tally, frames and frames.times
            ),
        ),
        Format(
            "points",
            "a file or folder of .pcd .ply .las .laz .bin .npy .npz, or .csv with x,y,z",
            lambda path: bool(point_folder.point_files(path)),
            lambda path, intake, _: point_folder.read_point_folder(path, intake),
            lambda path, tally, frames, _: point_folder.read_folder_labels(
                path, tally, frames and len(frames.times)
            ),
        ),
    )
}
