"""KITTI's object, tracking and odometry sets: sweeps, images, calibration, poses and labels.

The ego frame is the Velodyne's: x forward, y left, z up; the world is the ego frame of the first
pose. Label conventions stand in `kitti_labels`. These sets state no time (odometry's `times.txt`
apart): frame number n is put at n × 0.1 s, so that the number can be told from the time.
Velodyne files are float32 x y z reflectance (0 to 1), without ring or time of a point.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.intake import (
    ASSUMED_PERIOD_NS,
    Intake,
    Tally,
    folder,
    image_size,
    numbered,
    read_cloud,
)
from lidar_label.datasets.kitti_calibration import (
    CAMERAS,
    KittiCalibration,
    read_calibration,
)
from lidar_label.datasets.kitti_labels import (
    CLASSES,
    lines_to_cuboids,
    read_label_lines,
    unknown_classes,
)
from lidar_label.errors import InvalidSource

LIDAR = "velodyne"
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")
# Where no image tells it: rectified images are about this large (Geiger et al., IJRR 2013).
USUAL_SIZE = (1242, 375)


def object_folder(root: Path) -> Path:
    """The folder that holds velodyne/, calib/ and label_2/: `training`, `testing` or the root."""
    for name in ("training", "testing"):
        if (root / name).is_dir():
            return root / name
    return root


def read_object(root: Path, intake: Intake) -> None:
    """Read the object set: velodyne/, image_N/, calib/ and label_2/ with one file a frame.

    Raises:
        InvalidSource: if a file is damaged, or a label file has no calibration.
    """
    base = object_folder(root)
    sweeps = numbered(folder(base / "velodyne", (".bin",)))
    files = sweeps or numbered(folder(base / "label_2", (".txt",)))
    if not files:
        raise InvalidSource(f"{base}: no velodyne/*.bin and no label_2/*.txt; nothing to import")
    numbers = [number for number, _ in files]
    intake.frame_names = [path.stem for _, path in files]
    if folder(base / "label_2", (".txt",)):
        intake.set_labels(read_object_labels(root, intake, numbers, classes=CLASSES))
    intake.add_lidar(LIDAR, np.eye(4), "Velodyne")
    images = {name: base / name for name in CAMERAS}
    cameras: list[str] = []
    calibrations = numbered(folder(base / "calib", (".txt",)))
    if calibrations:
        first = read_calibration(calibrations[0][1])
        other = sum(not _same(first, read_calibration(path)) for _, path in calibrations[1:])
        intake.warn(
            "calibration differs from the first frame's in {n} frames; "
            "their labels use their own, their images the first",
            other,
        )
        cameras = add_cameras(intake, first, images)
    elif any(folder(place, IMAGE_SUFFIXES) for place in images.values()):
        intake.warn("no calib folder: images are left out")
    write_frames(intake, numbers, dict(sweeps))
    write_images(intake, {name: images[name] for name in cameras}, numbers)


def read_object_labels(
    root: Path,
    tally: Tally,
    frames: Sequence[int] | None,
    *,
    classes: Sequence[str] = CLASSES,
    scores: bool = True,
) -> Cuboids:
    """Read label_2/ with calib/; a cuboid's frame is the place of its file's number in `frames`.

    Args:
        root: The folder that holds label_2/, or the one above `training`.
        tally: Counts labels of other frames, and lines that are no cuboids.
        frames: Numbers of the frames; those of the label files when None.
        classes: That the dataset has; others are kept and counted.
        scores: Whether a 16th column is a score.

    Raises:
        InvalidSource: if a label file has no calibration or does not read.
    """
    base = object_folder(root)
    files = numbered(folder(base / "label_2", (".txt",)))
    if frames is None:
        frames = [number for number, _ in files]
    places = {number: place for place, number in enumerate(frames)}
    calibrations = dict(numbered(folder(base / "calib", (".txt",))))
    parts: list[Cuboids] = []
    for number, path in files:
        lines = read_label_lines(path, tracking=False, frame=places.get(number, -1))
        if number not in places:
            tally.warn("{n} labels belong to frames without a sweep and are left out", len(lines))
            continue
        if number not in calibrations:
            raise InvalidSource(
                f"{base / 'calib' / path.name}: missing; KITTI labels are in the camera frame, so "
                "add this calibration or take the label file away"
            )
        lidar_from_rect = read_calibration(calibrations[number]).lidar_from_rect
        cuboids, ignored, flat = lines_to_cuboids(lines, lidar_from_rect, scores=scores)
        note_lines(tally, ignored, flat)
        parts.append(cuboids)
    unlabelled = len(set(places) - {number for number, _ in files})
    tally.warn("{n} sweeps have no label file and count as unlabelled", unlabelled)
    labels = Cuboids.concatenate(parts)
    note_classes(tally, labels, classes)
    return labels


def note_lines(tally: Tally, ignored: int, flat: int) -> None:
    """Count the lines that are no cuboids."""
    tally.warn("{n} DontCare regions (2D only) are left out", ignored)
    tally.warn("{n} labels without a 3D box are left out", flat)


def note_classes(tally: Tally, labels: Cuboids, classes: Sequence[str]) -> None:
    """Count labels of classes that the dataset's own list does not have; they are kept."""
    for category, count in unknown_classes(labels.category.tolist(), classes).items():
        tally.warn(f"{{n}} labels have the class {category!r}, unknown to this dataset", count)


def add_cameras(
    intake: Intake, calibration: KittiCalibration, images: Mapping[str, Path]
) -> list[str]:
    """Add the rectified cameras; `images` says where theirs are, the first gives the size of all.

    Cameras of a calibration are added without images too: labels are in the frame of the first.
    """
    added = [name for name in calibration.placed_cameras() if name in images]
    seen = next((size for name in added if (size := first_image_size(images[name]))), None)
    if seen is None and not all(name in calibration.sizes for name in added):
        intake.warn(f"no image tells the cameras' size: {USUAL_SIZE[0]} × {USUAL_SIZE[1]} assumed")
    for name in added:
        lidar_from_camera, intrinsics = calibration.camera(name)
        width, height = calibration.sizes.get(name) or seen or USUAL_SIZE
        intake.writer.add_camera(
            name, lidar_from_camera, intrinsics=intrinsics, width=width, height=height
        )
    return added


def first_image_size(images: Path) -> tuple[int, int] | None:
    """Width and height of the first image that reads."""
    for path in folder(images, IMAGE_SUFFIXES):
        try:
            return image_size(path.read_bytes())
        except OSError:
            continue
    return None


def write_frames(
    intake: Intake,
    numbers: Sequence[int],
    sweeps: Mapping[int, Path],
    times: Sequence[int] | None = None,
) -> None:
    """Write the sweep of each number; frames of a source without any sweep are empty.

    `times` are those of number 0, 1, …; 10 Hz when None.
    """
    intake.expected += len(sweeps)
    if not sweeps:
        intake.warn("no velodyne folder: {n} frames without points", len(numbers))
    for number in numbers:
        time_ns = number * ASSUMED_PERIOD_NS if times is None else times[number]
        if sweeps:
            intake.sweep(LIDAR, time_ns, read_cloud(sweeps[number]))
        else:
            intake.empty_frame(LIDAR, time_ns)


def write_images(
    intake: Intake,
    images: Mapping[str, Path],
    numbers: Sequence[int],
    times: Sequence[int] | None = None,
) -> None:
    """Write the images of the frames, by camera; where a folder lacks some, they are counted."""
    for camera, place in images.items():
        files = dict(numbered(folder(place, IMAGE_SUFFIXES)))
        if not files:
            continue
        intake.expected += len(files.keys() & set(numbers))
        for number in numbers:
            if number in files:
                time_ns = number * ASSUMED_PERIOD_NS if times is None else times[number]
                intake.image(camera, time_ns, files[number])
            else:
                intake.missing_image(camera)


def _same(a: KittiCalibration, b: KittiCalibration) -> bool:
    return np.array_equal(a.rect_from_lidar, b.rect_from_lidar) and all(
        np.array_equal(a.projections.get(name, 0), b.projections.get(name, 0)) for name in CAMERAS
    )
