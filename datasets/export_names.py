"""The names of the export formats, for command lines that must not load the writers."""

EXPORT_FORMATS = (
    *("kitti", "kitti-tracking", "kitti-raw", "view-of-delft", "nuscenes", "sustechpoints"),
    "argoverse2",
    *("ros1", "ros2", "mcap", "openlabel", "coco", "cvat", "pcd", "ply", "las", "laz"),
    *("csv", "parquet"),
)
