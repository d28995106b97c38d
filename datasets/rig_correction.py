"""What a person says of a source's axes and of its cameras' places, where they are wrong."""

from dataclasses import dataclass, field, replace

import numpy as np

from lidar_label.arrays import Floats, Transform, wrap_angle
from lidar_label.calibration.rig import Sensor
from lidar_label.calibration.transforms import invert, matrix_to_pose7, pose7_to_matrix
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.errors import UsageError


@dataclass(frozen=True, eq=False)
class RigCorrection:
    """Applied to a recording while it is written; points stay as they are, in their sensor's frame.

    Attributes:
        turn: (4, 4) `ego_from_source`, a rotation: which way of the source is forward and up.
        inverted: Sensors whose place the source states the wrong way round, as
            `sensor_from_ego`.
    """

    turn: Transform = field(default_factory=lambda: np.eye(4))
    inverted: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        rotation = np.asarray(self.turn, dtype=np.float64)
        proper = rotation.shape == (4, 4) and np.allclose(
            rotation[:3, :3] @ rotation[:3, :3].T, np.eye(3), atol=1e-6
        )
        if not proper or np.linalg.det(rotation[:3, :3]) < 0 or np.abs(rotation[:3, 3]).max() > 0:
            raise UsageError(f"turn {rotation.tolist()} is no rotation; give a (4, 4) one")

    @property
    def turns(self) -> bool:
        """Whether the axes change."""
        return not np.allclose(self.turn, np.eye(4), atol=1e-9)

    def placed(self, sensor: Sensor) -> Sensor:
        """The sensor where it truly sits."""
        place = np.asarray(sensor.ego_from_sensor, dtype=np.float64)
        if sensor.name in self.inverted:
            place = invert(place)
        return replace(sensor, ego_from_sensor=self.turn @ place)

    def labelled(self, cuboids: Cuboids) -> Cuboids:
        """Labels of the source's ego frame in the turned one.

        Raises:
            UsageError: if what is up changes: boxes stand upright.
        """
        if not self.turns or not len(cuboids):
            return cuboids
        if self.turn[2, 2] < 1 - 1e-6:
            raise UsageError("the source's labels say which way is up; leave its upward axis as is")
        around = self.turn[:2, :2]
        boxes = cuboids.boxes.copy()
        boxes[:, :2] = boxes[:, :2] @ around.T
        boxes[:, 6] = wrap_angle(boxes[:, 6] + np.arctan2(around[1, 0], around[0, 0]))
        return cuboids.replace(boxes=boxes, velocity=cuboids.velocity @ around.T)

    def moved(self, world_from_ego: Floats) -> Floats:
        """(T, 7) poses of the source with the axes of ego and world both turned."""
        if not self.turns:
            return world_from_ego
        return matrix_to_pose7(self.turn @ pose7_to_matrix(world_from_ego) @ invert(self.turn))
