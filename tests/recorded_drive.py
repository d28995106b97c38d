"""A short recorded drive past scanned boxes, with a camera and exact truth."""

import importlib.util
import io
from pathlib import Path

import numpy as np
from PIL import Image

from lidar_label.cuboids import Cuboids, save_cuboids
from lidar_label.datasets.recording import RecordingWriter

_SPEC = importlib.util.spec_from_file_location(
    "scanned_scene", Path(__file__).parent / "lidar_label" / "scanned_scene.py"
)
scene = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(scene)

START_NS, STEP_NS, STEP_M = 1_700_000_000_000_000_000, 100_000_000, 0.5
SENSOR = (0.0, 0.0, 1.8)
PARKED = [(14.0, 5.0, 4.4, 1.8, 1.5, 0.0), (22.0, -6.0, 4.6, 1.9, 1.6, 0.1), (9.0, -5.0, 0.7, 0.7, 1.75, 0.0)]  # fmt: skip # noqa: E501


def write_drive(path: Path, frames: int = 6, *, poses: bool = True) -> Cuboids:
    """Write the recording and `<stem>.labels.parquet` beside it; return the truth."""
    ego_from_lidar = np.eye(4)
    ego_from_lidar[:3, 3] = SENSOR
    ego_from_camera = np.array(
        [[0, 0, 1, 0.2], [-1, 0, 0, 0], [0, -1, 0, 1.6], [0, 0, 0, 1]], dtype=float
    )
    picture = np.linspace(40, 200, 320 * 160).reshape(160, 320).astype(np.uint8)
    png = io.BytesIO()
    Image.fromarray(picture).save(png, "PNG")
    times = START_NS + STEP_NS * np.arange(frames)
    truth: list[Cuboids] = []
    with RecordingWriter(path, source="boxes scanned for a test") as writer:
        writer.add_lidar("top", ego_from_lidar)
        writer.add_camera(
            "front",
            ego_from_camera,
            intrinsics=np.array([[200, 0, 160], [0, 200, 80], [0, 0, 1.0]]),
            width=320,
            height=160,
        )
        for frame, time_ns in enumerate(times.tolist()):
            driven = STEP_M * frame
            lead = [18.0 + 0.4 * frame, 0.3, 4.5, 1.8, 1.5, 0.0]
            boxes = np.array([scene.standing(x - driven, *rest) for x, *rest in PARKED])
            boxes = np.vstack((boxes, scene.standing(*lead)))
            xyz = scene.scan(boxes, sensor=SENSOR, seed=frame) - np.float32(SENSOR)
            writer.append_sweep("top", time_ns, xyz)
            writer.append_image("front", time_ns, png.getvalue())
            truth.append(
                Cuboids.of(
                    boxes,
                    frame=frame,
                    time_ns=time_ns,
                    track_id=np.arange(4),
                    category=np.array(["car", "car", "pedestrian", "car"], dtype=object),
                )
            )
        if poses:
            world_from_ego = np.zeros((frames, 7))
            world_from_ego[:, 0] = STEP_M * np.arange(frames)
            world_from_ego[:, 3] = 1
            writer.append_ego(times, world_from_ego)
    labels = Cuboids.concatenate(truth)
    save_cuboids(labels, path.with_name(f"{path.stem}.labels.parquet"))
    return labels
