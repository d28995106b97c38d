"""A sweep laid on a map of voxels by Generalized ICP (Segal et al., RSS 2009; Koide et al., 2021).

Every point stands for a piece of a plane: its covariance is 1 along the plane and 10⁻³ across it,
so its normal is all that is kept. A voxel of the map holds the mean of its points and of their
covariances. Corresponding are a point and the voxel that it falls in.
"""

import math

import numpy as np

from lidar_label.arrays import Floats, Ints, Ints32, Transform
from lidar_label.kernels.jit import kernel

ACROSS = 1e-3  # variance across the plane as a share of that along it
_FLATTENED = 1.0 - ACROSS
_BEYOND = 0.3  # cells further than the nearest cells go, to where neighbours count
_FEWEST = 5  # neighbours from which a plane is told
_BITS = 21  # of a voxel's coordinate in its key: ±1 million
_HALF = 1 << (_BITS - 1)
_FREE = -1
_MEAN, _TILT, _COUNT, _STAMP = 0, 3, 9, 10  # columns of a voxel: sums of places and of normals
VOXEL = 11
_FIRST_ROOM = 1 << 15
_REMEMBERED = 100  # sweeps for which a voxel stays that none has touched
_MAX_ROUNDS = 20
_STILL_RAD, _STILL_M = np.radians(0.1), 1e-3  # a smaller step is the last one
_DAMPING = 1e-6  # of the information, so that what nothing holds does not run away


@kernel
def _key(x: float, y: float, z: float, scale: float) -> int:
    i = np.int64(math.floor(x * scale)) + _HALF
    j = np.int64(math.floor(y * scale)) + _HALF
    k = np.int64(math.floor(z * scale)) + _HALF
    return int((i << (2 * _BITS)) | (j << _BITS) | k)


@kernel
def _slot(keys: Ints, key: int) -> int:
    """Where a key is or belongs, in a table of 2ⁿ places that is never full."""
    mask = len(keys) - 1
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing
    at = np.int64(mixed >> np.uint64(32)) & mask
    while keys[at] != _FREE and keys[at] != key:
        at = (at + 1) & mask
    return int(at)


@kernel
def _smallest_axis(
    a: float, b: float, c: float, d: float, e: float, f: float, axis: Floats
) -> None:
    """Write the unit eigenvector of the smallest eigenvalue of [[a d e], [d b f], [e f c]]."""
    middle = (a + b + c) / 3
    p = (a - middle) ** 2 + (b - middle) ** 2 + (c - middle) ** 2 + 2 * (d * d + e * e + f * f)
    p = math.sqrt(p / 6) + 1e-300
    aa, bb, cc = (a - middle) / p, (b - middle) / p, (c - middle) / p
    dd, ee, ff = d / p, e / p, f / p
    half = (aa * (bb * cc - ff * ff) - dd * (dd * cc - ff * ee) + ee * (dd * ff - bb * ee)) / 2
    angle = math.acos(min(max(half, -1.0), 1.0)) / 3
    lowest = 2 * math.cos(angle + 2 * math.pi / 3)
    aa, bb, cc = aa - lowest, bb - lowest, cc - lowest
    # The rows span what is not wanted: their longest cross product is the axis.
    x0, y0, z0 = dd * ff - ee * bb, ee * dd - aa * ff, aa * bb - dd * dd
    x1, y1, z1 = dd * cc - ee * ff, ee * ee - aa * cc, aa * ff - dd * ee
    x2, y2, z2 = bb * cc - ff * ff, ff * ee - dd * cc, dd * ff - bb * ee
    n0, n1, n2 = (
        x0 * x0 + y0 * y0 + z0 * z0,
        x1 * x1 + y1 * y1 + z1 * z1,
        x2 * x2 + y2 * y2 + z2 * z2,
    )
    if n1 > n0:
        x0, y0, z0, n0 = x1, y1, z1, n1
    if n2 > n0:
        x0, y0, z0, n0 = x2, y2, z2, n2
    if n0 < 1e-18:  # a ball or a single place: any axis will do
        x0, y0, z0, n0 = 0.0, 0.0, 1.0, 1.0
    length = math.sqrt(n0)
    axis[0], axis[1], axis[2] = x0 / length, y0 / length, z0 / length


@kernel
def find_normals(points: Floats, reach: float) -> Floats:
    """(N, 3) unit normals of the planes through each point's neighbours, the nearest weighing most.

    Weights fall with the square of the distance to none at 1.3 `reach`, at 2.3 where fewer than 5
    points are so near. Sharply bounded neighbourhoods gave twice the drift.

    Args:
        points: (N, 3) float64 metres, finite, thinned to a spacing of about `reach`.
        reach: Metres.
    """
    count = len(points)
    size = 16
    while size < 2 * count:
        size *= 2
    keys, head = np.full(size, _FREE), np.full(size, -1, np.int32)
    following = np.empty(count, np.int32)
    scale = 1.0 / reach
    for i in range(count):
        key = _key(points[i, 0], points[i, 1], 0.0, scale)  # few points lie above others
        at = _slot(keys, key)
        keys[at] = key
        following[i] = head[at]
        head[at] = i
    normals, sums = np.empty((count, 3)), np.empty(10)
    for i in range(count):
        if _gather_neighbours(points, i, 1, keys, head, following, scale, sums) < _FEWEST:
            _gather_neighbours(points, i, 2, keys, head, following, scale, sums)
        sums /= sums[0]
        x, y, z = sums[1], sums[2], sums[3]
        _smallest_axis(
            sums[4] - x * x, sums[5] - y * y, sums[6] - z * z,
            sums[7] - x * y, sums[8] - x * z, sums[9] - y * z, normals[i],
        )  # fmt: skip
    return normals


@kernel
def _gather_neighbours(
    points: Floats, i: int, ring: int,
    keys: Ints, head: Ints32, following: Ints32, scale: float, sums: Floats,
) -> int:  # fmt: skip
    """Sum up weights, places and products of the points up to `ring` columns about point i.

    Returns how many weigh anything; `sums` (10,) gets 1, x y z, xx yy zz, xy xz yz.
    """
    px, py, pz = points[i, 0], points[i, 1], points[i, 2]
    middle = _key(px, py, 0.0, scale)
    narrow = (scale / (ring + _BEYOND)) ** 2
    count = 0
    total = sx = sy = sz = xx = yy = zz = xy = xz = yz = 0.0
    for u in range(-ring, ring + 1):
        for v in range(-ring, ring + 1):
            at = _slot(keys, middle + (u << (2 * _BITS)) + (v << _BITS))
            k = head[at] if keys[at] != _FREE else np.int32(-1)
            while k >= 0:
                x, y, z = points[k, 0] - px, points[k, 1] - py, points[k, 2] - pz
                weight = 1 - (x * x + y * y + z * z) * narrow
                k = following[k]
                if weight <= 0:
                    continue
                count += 1
                total += weight
                sx, sy, sz = sx + weight * x, sy + weight * y, sz + weight * z
                xx, yy, zz = xx + weight * x * x, yy + weight * y * y, zz + weight * z * z
                xy, xz, yz = xy + weight * x * y, xz + weight * x * z, yz + weight * y * z
    sums[0], sums[1], sums[2], sums[3] = total, sx, sy, sz
    sums[4], sums[5], sums[6], sums[7], sums[8], sums[9] = xx, yy, zz, xy, xz, yz
    return count


@kernel
def insert(
    points: Floats, normals: Floats, pose: Transform, scale: float, stamp: int,
    keys: Ints, voxels: Floats,
) -> int:  # fmt: skip
    """Add a sweep to a map that has room for it; how many voxels are new.

    Args:
        points: (N, 3) metres, ego frame.
        normals: (N, 3) unit.
        pose: (4, 4) map_from_ego.
        scale: Voxels a metre.
        stamp: The number of the sweep, which its voxels then bear.
        keys: (2ⁿ,) of the map.
        voxels: (2ⁿ, 11) likewise.
    """
    added = 0
    for i in range(len(points)):
        x, y, z = _placed(pose, points, i)
        key = _key(x, y, z, scale)
        at = _slot(keys, key)
        if keys[at] == _FREE:
            keys[at] = key
            added += 1
        a, b, c = _turned(pose, normals, i)
        voxel = voxels[at]
        voxel[_MEAN] += x
        voxel[_MEAN + 1] += y
        voxel[_MEAN + 2] += z
        voxel[_TILT] += a * a
        voxel[_TILT + 1] += b * b
        voxel[_TILT + 2] += c * c
        voxel[_TILT + 3] += a * b
        voxel[_TILT + 4] += a * c
        voxel[_TILT + 5] += b * c
        voxel[_COUNT] += 1
        voxel[_STAMP] = stamp
    return added


@kernel
def rehash(keys: Ints, voxels: Floats, since: int, size: int) -> tuple[Ints, Floats, int]:
    """The same map in `size` places, without voxels that no sweep from `since` on has touched."""
    count = 0
    fresh, moved = np.full(size, _FREE), np.zeros((size, VOXEL))
    for i in range(len(keys)):
        if keys[i] != _FREE and voxels[i, _STAMP] >= since:
            at = _slot(fresh, keys[i])
            fresh[at], moved[at] = keys[i], voxels[i]
            count += 1
    return fresh, moved, count


@kernel
def _placed(pose: Transform, points: Floats, i: int) -> tuple[float, float, float]:
    x, y, z = points[i, 0], points[i, 1], points[i, 2]
    return (
        pose[0, 0] * x + pose[0, 1] * y + pose[0, 2] * z + pose[0, 3],
        pose[1, 0] * x + pose[1, 1] * y + pose[1, 2] * z + pose[1, 3],
        pose[2, 0] * x + pose[2, 1] * y + pose[2, 2] * z + pose[2, 3],
    )


@kernel
def _turned(pose: Transform, normals: Floats, i: int) -> tuple[float, float, float]:
    a, b, c = normals[i, 0], normals[i, 1], normals[i, 2]
    return (
        pose[0, 0] * a + pose[0, 1] * b + pose[0, 2] * c,
        pose[1, 0] * a + pose[1, 1] * b + pose[1, 2] * c,
        pose[2, 0] * a + pose[2, 1] * b + pose[2, 2] * c,
    )


@kernel
def _gather(
    points: Floats, normals: Floats, pose: Transform, scale: float, reach: float,
    keys: Ints, voxels: Floats, information: Floats, pull: Floats,
) -> int:  # fmt: skip
    """Sum up information (6, 6) and pull (6,) of all pairs; how many there are.

    The unknowns are a small turn about the ego, in the map's axes, and a small shift.
    """
    information[:], pull[:] = 0.0, 0.0
    inside = 0
    for i in range(len(points)):
        x, y, z = _placed(pose, points, i)
        at = _slot(keys, _key(x, y, z, scale))
        if keys[at] == _FREE:
            continue
        voxel = voxels[at]
        n = voxel[_COUNT]
        rx, ry, rz = voxel[0] / n - x, voxel[1] / n - y, voxel[2] / n - z
        if rx * rx + ry * ry + rz * rz > reach * reach:
            continue
        inside += 1
        a, b, c = _turned(pose, normals, i)
        # Covariances of voxel and point together, and their inverse.
        xx = 2 - _FLATTENED * (voxel[_TILT] / n + a * a)
        yy = 2 - _FLATTENED * (voxel[_TILT + 1] / n + b * b)
        zz = 2 - _FLATTENED * (voxel[_TILT + 2] / n + c * c)
        xy = -_FLATTENED * (voxel[_TILT + 3] / n + a * b)
        xz = -_FLATTENED * (voxel[_TILT + 4] / n + a * c)
        yz = -_FLATTENED * (voxel[_TILT + 5] / n + b * c)
        axx, axy, axz = yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy
        one = 1 / (xx * axx + xy * axy + xz * axz)
        axx, axy, axz = axx * one, axy * one, axz * one
        ayy, ayz, azz = (
            (xx * zz - xz * xz) * one,
            (xy * xz - xx * yz) * one,
            (xx * yy - xy * xy) * one,
        )
        px, py, pz = x - pose[0, 3], y - pose[1, 3], z - pose[2, 3]
        fx, fy, fz = (
            axx * rx + axy * ry + axz * rz,
            axy * rx + ayy * ry + ayz * rz,
            axz * rx + ayz * ry + azz * rz,
        )
        pull[0] += py * fz - pz * fy
        pull[1] += pz * fx - px * fz
        pull[2] += px * fy - py * fx
        pull[3] += fx
        pull[4] += fy
        pull[5] += fz
        # [p]× A, row by row, then times [p]× again.
        bxx, bxy, bxz = py * axz - pz * axy, py * ayz - pz * ayy, py * azz - pz * ayz
        byx, byy, byz = pz * axx - px * axz, pz * axy - px * ayz, pz * axz - px * azz
        bzx, bzy, bzz = px * axy - py * axx, px * ayy - py * axy, px * ayz - py * axz
        information[0, 0] += py * bxz - pz * bxy
        information[0, 1] += pz * bxx - px * bxz
        information[0, 2] += px * bxy - py * bxx
        information[1, 1] += pz * byx - px * byz
        information[1, 2] += px * byy - py * byx
        information[2, 2] += px * bzy - py * bzx
        information[0, 3] += bxx
        information[0, 4] += bxy
        information[0, 5] += bxz
        information[1, 3] += byx
        information[1, 4] += byy
        information[1, 5] += byz
        information[2, 3] += bzx
        information[2, 4] += bzy
        information[2, 5] += bzz
        information[3, 3] += axx
        information[3, 4] += axy
        information[3, 5] += axz
        information[4, 4] += ayy
        information[4, 5] += ayz
        information[5, 5] += azz
    for row in range(6):
        information[row, row] *= 1 + _DAMPING
        for column in range(row):
            information[row, column] = information[column, row]
    return inside


@kernel
def _turn_by(pose: Transform, turn: Floats) -> None:
    """Turn a pose about its own place by a rotation vector of the map's axes (Rodrigues)."""
    angle = math.sqrt(turn[0] ** 2 + turn[1] ** 2 + turn[2] ** 2)
    if angle < 1e-15:
        return
    x, y, z = turn[0] / angle, turn[1] / angle, turn[2] / angle
    sine, rest = math.sin(angle), 1 - math.cos(angle)
    for column in range(3):
        a, b, c = pose[0, column], pose[1, column], pose[2, column]
        along = (x * a + y * b + z * c) * rest
        pose[0, column] = a + sine * (y * c - z * b) + along * x - rest * a
        pose[1, column] = b + sine * (z * a - x * c) + along * y - rest * b
        pose[2, column] = c + sine * (x * b - y * a) + along * z - rest * c


@kernel
def align(
    points: Floats, normals: Floats, guess: Transform, scale: float, reach: float,
    keys: Ints, voxels: Floats,
) -> tuple[Transform, int]:  # fmt: skip
    """The pose that lays a sweep on a map, by Gauss-Newton steps from a guess.

    Args:
        points: (N, 3) metres, ego frame.
        normals: (N, 3) unit.
        guess: (4, 4) map_from_ego.
        scale: Voxels a metre.
        reach: A point's voxel has its mean at most so far, metres.
        keys: (2ⁿ,) of the map.
        voxels: (2ⁿ, 11) likewise.

    Returns:
        (4, 4) map_from_ego, and how many points had their voxel before the last step.
    """
    pose = guess.copy()
    information, pull = np.empty((6, 6)), np.empty(6)
    inside = 0
    for _ in range(_MAX_ROUNDS):
        inside = _gather(points, normals, pose, scale, reach, keys, voxels, information, pull)
        if inside < 6:
            break
        step = np.linalg.solve(information, pull).astype(np.float64)
        _turn_by(pose, step[:3])
        for row in range(3):
            pose[row, 3] += step[3 + row]
        turned = math.sqrt(step[0] ** 2 + step[1] ** 2 + step[2] ** 2)
        if turned <= _STILL_RAD and math.sqrt((step[3:] ** 2).sum()) <= _STILL_M:
            break
    return pose, inside


class VoxelMap:
    """A map that sweeps are added to; what no sweep has touched for long is forgotten."""

    def __init__(self, side: float) -> None:
        """Begin with nothing; `side` of a voxel in metres."""
        self._scale = 1.0 / side
        self._keys = np.full(_FIRST_ROOM, _FREE)
        self._voxels = np.zeros((_FIRST_ROOM, VOXEL))
        self._count = self._sweeps = 0

    def __len__(self) -> int:
        """Number of voxels."""
        return self._count

    def insert(self, points: Floats, normals: Floats, pose: Transform) -> None:
        """Add a sweep: (N, 3) points of the ego frame, (N, 3) normals, (4, 4) map_from_ego."""
        if 2 * (self._count + len(points)) > len(self._keys):
            self._make_room(len(points))
        pose = np.ascontiguousarray(pose, dtype=np.float64)
        self._count += insert(
            points, normals, pose, self._scale, self._sweeps, self._keys, self._voxels
        )
        self._sweeps += 1

    def align(
        self, points: Floats, normals: Floats, guess: Transform, reach: float
    ) -> tuple[Transform, int]:
        """Lay a sweep on the map; see the kernel of that name."""
        guess = np.ascontiguousarray(guess, dtype=np.float64)
        return align(points, normals, guess, self._scale, reach, self._keys, self._voxels)

    def _make_room(self, more: int) -> None:
        since = self._sweeps - _REMEMBERED
        stays = int(((self._keys != _FREE) & (self._voxels[:, _STAMP] >= since)).sum())
        size = _FIRST_ROOM
        while size < 4 * (stays + more):
            size *= 2
        self._keys, self._voxels, self._count = rehash(self._keys, self._voxels, since, size)
