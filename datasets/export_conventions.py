"""The convention contract of each export format, as it stands in its CONVENTIONS.txt."""

from collections.abc import Sequence

from lidar_label.datasets.cloud_export import LABELS
from lidar_label.datasets.cuboids import CONVENTIONS
from lidar_label.datasets.sweeps import NO_RING

SUSTECHPOINTS = """\
Format: SUSTechPOINTS, label/<frame>.json, one list of objects a frame.
Frame: the recording's ego frame, in which the scene's lidar/<frame>.pcd must be: x forward, y left,
  z up; calib/camera/<name>.json holds camera_from_ego.
Units: metres, radians.
psr.position: the box's centre. psr.scale: x length (along the heading), y width, z height.
psr.rotation: the angles of Rx(x) Ry(y) Rz(z), the order of three.js; z is the yaw of an upright
  box, about +z from +x.
obj_id: the source's id, else the track number; "" without a track.
Numbers: the shortest text that reads back as the same double; upright boxes come back bit for bit,
  the angles of tilted ones to 1e-12 rad.
A frame is a file, by its name; time_ns is not written, the frame tells it.
"""
ARGOVERSE2 = """\
Format: Argoverse 2, annotations.feather.
Frame: the recording's ego frame at timestamp_ns: x forward, y left, z up.
Units: metres; timestamp_ns is int64 nanoseconds.
tx_m ty_m tz_m: the box's centre. Sizes: length_m (along the heading), width_m, height_m.
qw qx qy qz: unit quaternion ego_from_box; yaw about +z from +x, then pitch about y, roll about x.
track_uuid: the source's id; a track number without one as 00000000-hhhh-8000-8000-llllllllllll
  (version 8, RFC 9562), and ffffffff-… for a row without a track. num_interior_pts: -1 unknown.
Numbers are doubles: places and sizes come back bit for bit, angles to 1e-12 rad.
A frame is its time.
"""
KITTI_RAW = """\
Format: KITTI raw, a synchronised drive; file n of velodyne_points, image_NN and oxts is frame n's.
Frame: "Velodyne" is the recording's ego frame: x forward, y left, z up; tracklets are in it.
Units: metres, radians, pixels.
tx ty tz: the centre of the box's BOTTOM face. Sizes: h height, w width, l length (along the
  heading). rz: yaw about +z from +x; rx and ry are 0.
A tracklet is a run of frames in which a track has one size and class; it has no number. state,
  occlusion and truncation are those of the labels' attributes where they have them. Else state is 2
  (labelled), occlusion 0, 1 or 2 by nearer cuboids as in KITTI's object set, -1 unknown, and
  truncation 0 for a box wholly in the image, 1 for one that is not (CVAT and datumaro leave out
  boxes with KITTI's 2 and 99, beyond the image and behind it; its -1 stops a devkit's parser).
velodyne_points/data: float32 x y z intensity (0 unknown). Points of sweeps whose start and end are
  2 microseconds apart are of all LiDARs and moved to that time; others as they were scanned.
calib_cam_to_cam.txt: P_rect of cameras that look the same way, zeros for those that are not there.
oxts: the pose of the IMU that calib_imu_to_velo.txt places, at the frame's time, of a drive that
  begins at 0 degrees north and east: a recording does not say where on Earth. Velocities are
  differences of the poses; values that a recording does not have are 0. No poses: times alone.
Numbers: the shortest text that reads back as the same double; sizes come back bit for bit, places
  to 1e-9 m.
"""
NUSCENES = """\
Format: nuScenes tables (v1.0-lidar-label/*.json) with samples/, and the labels as results.json of
  the detection challenge (score 1 where there is none). num_lidar_pts: -1 unknown.
Frame: global, that is the recording's world plus its origin: metres; ego and LiDAR frames have
  x forward, y left, z up, other sensors as calibrated_sensor says.
translation: the box's centre. size: width, length (along the heading), height. rotation: unit
  quaternion w x y z, global_from_box; yaw about +z from +x (rad, through the quaternion).
The devkit's evaluation runs on the split "all" and judges general classes by nuScenes' names:
  export --map-classes car=vehicle.car,… gives the labels those.
instance_token: the source's token, else the track number (rows without a track are instances of
  their own). Times are whole microseconds.
Numbers are doubles: sizes come back bit for bit, places and angles to 1e-9 m and rad.
"""
OPENLABEL = """\
Format: ASAM OpenLABEL 1.0.0, labels.openlabel.json; one object a track.
Frame: the coordinate system `ego` of the label's frame: x forward, y left, z up; metres, radians.
val: centre x y z, unit quaternion x y z w (ego_from_box; yaw about +z from +x), sizes x length
  (along the heading), y width, z height.
Attributes of a cuboid: category, score, num_points, residual, velocity (m/s along ego x and y),
  reason, track_id, source_id, attributes. frame_properties.timestamp: seconds with nine decimals.
Numbers: the shortest text that reads back as the same double; angles come back to 1e-12 rad.
"""
ROSBAG = """\
Format: ROS bag with the recording's sweeps, images, IMU, rig (/tf_static), ego poses (/odometry),
  and on /labels one vision_msgs/Detection3DArray a frame.
Frame: base_link at the header's time: x forward, y left, z up (REP 103); sensors in their own.
Units: metres, radians (as unit quaternions), seconds and nanoseconds.
bbox.center: the box's centre and orientation, yaw about +z from +x. bbox.size: x length (along the
  heading), y width, z height. id: the source's id, else the track number; "" without a track.
results[0].hypothesis: class and score; NaN where there is none.
Numbers are doubles: places and sizes come back bit for bit, angles to 1e-12 rad.
"""


_IMAGE_BOXES = """\
A 2D box bounds the part of the projected cuboid that lies in the image, at the image's time; what
  is behind the camera is cut off. Lens distortion is in it. A cuboid in several images has a box in
  each.
truncated: share of the whole 2D box's area beyond the image. hidden: share of what is in the image
  that nearer cuboids hide; things without a cuboid do not count.
Frame: the recording's cameras; of the cuboids the ego frame: x forward, y left, z up; metres,
  radians. What a cuboid was (its centre, length width height, yaw about +z from +x) is not in here.
"""
COCO = (
    """\
Format: COCO, annotations/instances_default.json, images in images/<camera>/.
bbox: left, top, width, height in pixels from the image's left upper corner, x right, y down.
video_id is the camera, frame_id counts its images, frame is the recording's; track_id as in the
  labels, absent where there is none; score where there is one; time_ns int64 nanoseconds.
"""
    + _IMAGE_BOXES
)
CVAT = (
    """\
Format: CVAT for video 1.1; a folder a camera: images/ for a task, annotations.xml to upload to it.
xtl ytl xbr ybr: left, top, right, bottom in pixels from the image's left upper corner, x right,
  y down. frame counts the images of the folder. Every box is a key frame; outside="1" ends a track
  where its object leaves the image. occluded: hidden is a tenth or more.
"""
    + _IMAGE_BOXES
)


_CLOUDS = """\
Points: <frame>.{kind}, a file a frame, named by its time_ns where times count from 1970.
Frame of the points: as of the boxes, the ego frame at the frame's time. All LiDARs are merged, and
  each point is moved by the ego's motion from when it was seen to the frame's time, where poses are
  known: do not deskew them again. Metres, {steps}.
intensity: as its source scales it{intensity}. ring: number of the beam, {no_ring} unknown.
{time}
sensor: index of the LiDAR: {lidars}. A column of which nothing is known is left out.
"""


def clouds(kind: str, lidars: Sequence[str]) -> str:
    """Those of point files with a table of labels beside them."""
    packed = kind in ("las", "laz")
    time = "time: when a point was seen, in seconds after the frame's time; double."
    if packed:
        time = (
            "gps_time: when a point was seen, as adjusted standard GPS time, in steps of 0.1 "
            "microseconds;\n  where times do not count from 1970, seconds after the frame's time."
        )
    own = "; LAS's own field has it as a whole number,\n  times 65535 where none exceeds 1"
    points = _CLOUDS.format(
        kind=kind,
        steps="in steps of 0.1 mm" if packed else "float32",
        intensity=f", in intensity_float{own}" if packed else ", NaN unknown",
        no_ring=NO_RING,
        time=time,
        lidars=", ".join(f"{i} {name}" for i, name in enumerate(lidars)),
    )
    return table_conventions(f"{kind.upper()} files and CSV, {LABELS}") + points


def table_conventions(what: str) -> str:
    """Those of our own columns."""
    lines = [f"Format: {what}; one row a cuboid and frame, every column, bit for bit."]
    return "\n".join((*lines, *(f"{key}: {text}" for key, text in CONVENTIONS.items()), ""))
