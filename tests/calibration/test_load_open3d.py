"""Open3D is found, also by a process that has just started."""

from lidar_label.calibration.load_open3d import load_open3d


def test_open3d_is_loaded():
    assert callable(load_open3d().geometry.PointCloud)
