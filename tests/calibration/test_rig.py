"""The rig: sensors by name and kind, and what no sensor may be."""

from collections.abc import Callable

import numpy as np
import pytest

from lidar_label.calibration.rig import Camera, Imu, Lidar, Radar, Rig, Sensor
from lidar_label.errors import InvalidSource

EYE = np.eye(4)


def camera(**changes: object) -> Camera:
    settings = {
        "name": "c",
        "ego_from_sensor": EYE,
        "intrinsics": EYE[:3, :3],
        "width": 8,
        "height": 6,
    }
    return Camera(**{**settings, **changes})  # type: ignore[arg-type]


def test_sensors_are_found_by_name_and_kind() -> None:
    rig = Rig((Lidar("top", EYE), Radar("bumper", EYE), Lidar("rear", EYE), camera()))
    assert rig.names("lidar") == ("top", "rear")
    assert rig.names("imu") == ()
    assert "bumper" in rig
    assert "front" not in rig
    assert rig["bumper"].kind == "radar"
    assert rig.camera("c").width == 8
    assert len(rig) == len(list(rig)) == 4


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Rig((Lidar("a", EYE), Radar("a", EYE))), "named a"),
        (lambda: Rig((Lidar("a", EYE),))["b"], "no sensor b; the rig has a"),
        (lambda: Rig((Lidar("a", EYE),)).camera("a"), "a is a lidar; the cameras are none"),
        (lambda: Lidar("a/b", EYE), "slash"),
        (lambda: Lidar("", EYE), "empty"),
        (lambda: Lidar("a", np.zeros((4, 4))), "ego_from_sensor of lidar a"),
        (lambda: camera(model="omni"), "model 'omni'"),
        (lambda: camera(distortion=(1.0, 2.0)), "2 distortion"),
        (lambda: camera(model="fisheye", distortion=(0.0,) * 5), "5 distortion"),
        (lambda: camera(distortion=(np.nan,) * 4), "finite"),
        (lambda: camera(intrinsics=np.zeros((3, 3))), "focal lengths 0, 0"),
        (lambda: camera(intrinsics=np.eye(4)), "(3, 3)"),
        (lambda: camera(width=0), "0 × 6"),
        (lambda: Imu("i", EYE, channels=("ax", "ay"), units=("m/s²",)), "2 channels, 1 units"),
    ],
)
def test_refusals(make: Callable[[], Sensor], words: str) -> None:
    with pytest.raises(InvalidSource) as raised:
        make()
    assert words in str(raised.value)
