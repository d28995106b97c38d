"""Generalized ICP on voxels: normals as a plain search finds them, poses as small_gicp's."""

import numpy as np
import pytest

from lidar_label.calibration.transforms import from_yaw, invert
from lidar_label.kernels.scan_matching import VoxelMap, find_normals


def room(rng, count=6000, noise=0.01):
    """Points of a floor and three walls; the normal of each."""
    flat = rng.uniform(-15, 15, (count, 2))
    places, normals = np.zeros((count, 3)), np.zeros((count, 3))
    which = rng.integers(0, 4, count)
    for k, (axis, value) in enumerate(((2, -1.5), (0, 15.0), (1, 15.0), (0, -15.0))):
        mine, rest = which == k, [a for a in range(3) if a != axis]
        places[np.ix_(mine, rest)] = flat[mine]
        places[mine, axis] = value
        normals[mine, axis] = 1
    places[:, 2] = np.where(which == 0, places[:, 2], np.abs(places[:, 2]) / 3 - 1.5)
    return places + rng.normal(0, noise, places.shape), normals


def naive_normal(points, i, reach):
    """Of a plane through all neighbours, each weighted, by an eigenvalue solver; None of a line."""
    columns = np.floor(points[:, :2] / reach).astype(int)
    for ring in (1, 2):
        near = (np.abs(columns - columns[i]) <= ring).all(axis=1)
        square = ((points[near] - points[i]) ** 2).sum(axis=1) / (reach * (ring + 0.3)) ** 2
        weight = np.maximum(1 - square, 0)
        if (weight > 0).sum() >= 5:
            break
    spread = np.cov(points[near].T, aweights=weight, bias=True)
    values, vectors = np.linalg.eigh(spread)
    return vectors[:, 0] if values[1] > 1.5 * values[0] + 1e-4 else None


def turned(angle, axis):
    axis = np.array(axis) / np.linalg.norm(axis)
    cross = np.cross(np.eye(3), axis) * -1
    pose = np.eye(4)
    pose[:3, :3] += np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return pose


def off_by(found, wanted):
    """Metres and radians between two poses."""
    left = invert(wanted) @ found
    turn = np.arccos(np.clip((np.trace(left[:3, :3]) - 1) / 2, -1, 1))
    return np.linalg.norm(left[:3, 3]), turn


@pytest.mark.parametrize("reach", [0.7, 1.5])
def test_normals_are_those_of_a_plain_search(reach):
    points, _ = room(np.random.default_rng(0), 1500, noise=0.05)
    normals = find_normals(points, reach)
    assert np.linalg.norm(normals, axis=1) == pytest.approx(1, abs=1e-9)
    wanted = [(i, naive_normal(points, i, reach)) for i in range(0, 1500, 7)]
    along = [abs(normals[i] @ normal) for i, normal in wanted if normal is not None]
    assert len(along) > 150
    assert min(along) > 1 - 1e-6


def test_normals_of_walls_stand_on_them():
    points, truth = room(np.random.default_rng(1))
    along = np.abs((find_normals(points, 1.0) * truth).sum(axis=1))
    assert np.median(along) > 0.999


def test_lone_points_have_some_normal():
    points = np.array([[0.0, 0, 0], [50, 0, 0], [50, 0, 0]])
    assert np.linalg.norm(find_normals(points, 1.0), axis=1) == pytest.approx(1)
    assert find_normals(np.zeros((0, 3)), 1.0).shape == (0, 3)


@pytest.mark.parametrize("seed", range(4))
def test_a_sweep_comes_back_to_where_it_was_seen(seed):
    rng = np.random.default_rng(seed)
    start = from_yaw(rng.uniform(-900, 900, 3), 0.7)
    points, _ = room(rng)
    voxels = VoxelMap(1.0)
    voxels.insert(points, find_normals(points, 1.0), start)
    again, _ = room(rng)
    moved = turned(0.03, rng.normal(size=3))
    moved[:3, 3] = rng.uniform(-0.3, 0.3, 3)
    seen = again @ moved[:3, :3] - moved[:3, 3] @ moved[:3, :3]
    pose, inside = voxels.align(seen, find_normals(seen, 1.0), start, 1.5)
    metres, radians = off_by(pose, start @ moved)
    assert metres < 0.01
    assert radians < 0.001
    assert inside > 0.9 * len(seen)


@pytest.mark.parametrize("seed", range(3))
def test_is_no_further_off_than_small_gicp(seed):
    small_gicp = pytest.importorskip("small_gicp")
    rng = np.random.default_rng(seed)
    points, _ = room(rng, 4000, noise=0.03)
    seen, _ = room(rng, 4000, noise=0.03)
    guess = from_yaw(rng.uniform(-0.2, 0.2, 3), 0.02)
    voxels = VoxelMap(1.0)
    voxels.insert(points, find_normals(points, 1.0), np.eye(4))
    ours, _ = voxels.align(seen, find_normals(seen, 1.0), guess, 1.5)
    clouds = [small_gicp.PointCloud(cloud) for cloud in (points, seen)]
    for cloud in clouds:
        small_gicp.estimate_covariances(cloud, small_gicp.KdTree(cloud), 10)
    peer_map = small_gicp.GaussianVoxelMap(1.0)
    peer_map.insert(clouds[0], np.eye(4))
    peer = small_gicp.align(peer_map, clouds[1], guess, max_correspondence_distance=1.5)
    theirs = np.asarray(peer.T_target_source)
    assert off_by(ours, np.eye(4))[0] < off_by(theirs, np.eye(4))[0] + 0.005
    assert off_by(ours, theirs)[1] < 0.002


def test_a_map_grows_and_forgets_what_was_not_touched_for_long():
    rng = np.random.default_rng(0)
    voxels = VoxelMap(1.0)
    far = np.eye(4)
    for sweep in range(400):
        points = rng.uniform(-20, 20, (1000, 3))
        far[0, 3] = 60.0 * sweep
        voxels.insert(points, np.tile([0.0, 0, 1], (len(points), 1)), far)
    assert 100 * 900 < len(voxels) < 300 * 1000
    points = rng.uniform(-20, 20, (5000, 3))
    normals = np.tile([0.0, 0, 1], (len(points), 1))
    _, here = voxels.align(points, normals, far, 3.0)
    _, long_ago = voxels.align(points, normals, np.eye(4), 3.0)
    assert here > 30
    assert long_ago == 0


def test_without_a_map_the_guess_stays():
    points = np.random.default_rng(0).uniform(-5, 5, (100, 3))
    guess = from_yaw(np.ones(3), 0.5)
    pose, inside = VoxelMap(1.0).align(points, find_normals(points, 1.0), guess, 1.5)
    assert inside == 0
    assert (pose == guess).all()
