"""The box kernels by one name: overlap, suppression, points in boxes, boxes fitted to clusters."""

from lidar_label.kernels.containment import count_points_in_boxes, points_in_boxes
from lidar_label.kernels.fitting import fit_boxes, fit_residuals
from lidar_label.kernels.overlap import iou_3d, iou_bev, nms

__all__ = [
    "count_points_in_boxes",
    "fit_boxes",
    "fit_residuals",
    "iou_3d",
    "iou_bev",
    "nms",
    "points_in_boxes",
]
