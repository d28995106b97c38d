"""Points, images and signals over HTTP: the same as in the recording, cached, in ranges."""

from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from lidar_label.binary_columns import Column, decode, encode
from lidar_label.datasets.recording import Recording, RecordingWriter
from lidar_label.errors import InvalidSource
from lidar_label.viewers.api.point_levels import order_by_level
from lidar_label.viewers.api.recording_routes import add_recording
from lidar_label.viewers.api.signal_pyramid import signal_pyramid

POINTS = "/projects/1/recordings/1/frames/2/points"


def test_points_are_the_recordings_to_a_few_millimetres(client: TestClient, drive: Path) -> None:
    header, columns = decode(client.get(POINTS).content)
    with Recording(drive) as recording:
        cloud = recording.frame_points(2)
    order, counts = order_by_level(cloud.xyz)
    assert header["count"] == header["total"] == len(cloud)
    assert tuple(header["levels"]) == counts
    assert header["time_ns"] == str(1_700_000_000_200_000_000)
    scale = header["fields"][0]["scale"]
    np.testing.assert_allclose(columns["xyz"], cloud.xyz[order], atol=scale / 2 + 1e-4)
    assert (columns["sensor"] == 0).all()
    assert (columns["ring"] == 255).all()  # this LiDAR tells none


def test_a_coarser_level_is_a_prefix_of_a_finer_one(client: TestClient) -> None:
    header, fine = decode(client.get(POINTS).content)
    for level in range(1, 5):
        _, coarse = decode(client.get(POINTS, params={"level": level}).content)
        count = header["levels"][level]
        assert len(coarse["xyz"]) == count <= header["levels"][level - 1]
        np.testing.assert_array_equal(coarse["xyz"], fine["xyz"][:count])
        np.testing.assert_array_equal(coarse["ground"], fine["ground"][:count])


@pytest.mark.parametrize("count", [0, 1, 500])
def test_levels_hold_one_point_a_voxel(count: int) -> None:
    xyz = np.random.default_rng(0).uniform(-9, 9, (count, 3)).astype(np.float32)
    order, counts = order_by_level(xyz)
    assert sorted(order.tolist()) == list(range(count))
    for level, kept in list(enumerate(counts))[1:]:
        voxels = {tuple(v) for v in np.floor(xyz / np.float32(0.1 * 2**level)).astype(int).tolist()}
        inside = np.floor(xyz[order[:kept]] / np.float32(0.1 * 2**level)).astype(int)
        assert len(voxels) == kept == len({tuple(v) for v in inside.tolist()})


def test_the_browser_keeps_points_and_asks_no_second_time(client: TestClient) -> None:
    first = client.get(POINTS)
    assert "immutable" in first.headers["cache-control"]
    again = client.get(POINTS, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert not again.content
    other = client.get(POINTS, params={"level": 1})
    assert other.headers["etag"] != first.headers["etag"]


def test_a_budget_or_a_place_gets_a_part_of_the_points(client: TestClient) -> None:
    header, whole = decode(client.get(POINTS).content)
    few, thin = decode(client.get(POINTS, params={"most": 500}).content)
    assert (few["count"], few["total"]) == (500, header["total"])
    assert len(thin["xyz"]) == 500
    enough = client.get(POINTS, params={"most": header["total"]})
    assert decode(enough.content)[0]["count"] == header["total"]
    _, near = decode(client.get(POINTS, params={"near": "10,-5,2.5"}).content)
    inside = np.hypot(whole["xyz"][:, 0] - 10, whole["xyz"][:, 1] + 5) <= 2.5
    assert abs(len(near["xyz"]) - inside.sum()) <= 2, "but for the rounding at the rim"
    _, both = decode(client.get(POINTS, params={"near": "10,-5,2.5", "most": 40}).content)
    assert len(both["xyz"]) == 40
    for wrong in ({"near": "10,5"}, {"near": "a,b,c"}, {"near": "1,1,-1"}, {"most": 0}):
        assert client.get(POINTS, params=wrong).status_code == 422


def test_ranges_put_together_are_the_whole(client: TestClient) -> None:
    whole = client.get(POINTS)
    size = len(whole.content)
    parts = [client.get(POINTS, headers={"Range": text}) for text in ("bytes=0-99", "bytes=100-")]
    assert [part.status_code for part in parts] == [206, 206]
    assert b"".join(part.content for part in parts) == whole.content
    assert parts[0].headers["content-range"] == f"bytes 0-99/{size}"
    assert client.get(POINTS, headers={"Range": "bytes=-5"}).content == whole.content[-5:]
    beyond = client.get(POINTS, headers={"Range": f"bytes={size}-"})
    assert beyond.status_code == 416
    assert beyond.headers["content-range"] == f"bytes */{size}"
    stale = client.get(POINTS, headers={"Range": "bytes=0-9", "If-Range": '"old"'})
    assert stale.status_code == 200


def test_zstandard_for_those_who_ask_from_afar(client: TestClient) -> None:
    import zstandard

    plain = client.get(POINTS, headers={"Accept-Encoding": "gzip"})
    packed = client.stream("GET", POINTS, headers={"Accept-Encoding": "zstd, gzip"})
    with packed as answer:
        body = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "zstd"
    assert len(body) < len(plain.content)
    assert zstandard.ZstdDecompressor().decompress(body) == plain.content
    assert answer.headers["etag"] != plain.headers["etag"]


def test_images_are_the_bytes_as_recorded(client: TestClient, drive: Path) -> None:
    answer = client.get("/projects/1/recordings/1/frames/2/images/front")
    with Recording(drive) as recording:
        assert answer.content == recording.image("front", 2)
    assert answer.headers["content-type"] == "image/png"


@pytest.mark.parametrize(
    "path",
    [
        "frames/6/points",
        "frames/2/images/none",
        "frames/2/radar/top",
        "signals/none",
        "tracks/9/cloud?frame=0",
    ],
)
def test_what_is_not_there_is_404_with_a_problem(client: TestClient, path: str) -> None:
    answer = client.get(f"/projects/1/recordings/1/{path}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_an_unknown_sensor_is_named(client: TestClient) -> None:
    answer = client.get(POINTS, params={"sensors": "top,roof"})
    assert answer.status_code == 422
    assert "roof" in answer.json()["detail"]


def test_the_fused_cloud_lies_in_the_cuboid(client: TestClient, drive: Path) -> None:
    from lidar_label.cuboids import load_cuboids

    truth = load_cuboids(drive.with_name("drive.labels.parquet"))
    truth = truth.select(truth.track_id == 3)
    for row in range(len(truth)):
        names = ("x", "y", "z", "length", "width", "height", "yaw")
        box = dict(zip(names, truth.boxes[row].tolist(), strict=True))
        frame, client_id = int(truth.frame[row]), str(row)
        edit = {"operation": "create_track", "client_id": client_id, "frame": frame,
                "payload": {"category": "car", "box": box}}  # fmt: skip
        if row:
            edit |= {"operation": "set_cuboid", "track_id": 1, "payload": {"box": box}}
        client.post("/projects/1/recordings/1/edits", json={"edits": [edit]}).raise_for_status()
    _, one = decode(client.get("/projects/1/recordings/1/frames/0/points").content)
    header, fused = decode(client.get("/projects/1/recordings/1/tracks/1/cloud?frame=0").content)
    assert header["frames"] == list(range(6))
    box = truth.boxes[0]
    near = np.abs(fused["xyz"] - box[:3]) <= box[3:6] / 2 + 0.6
    assert near.all()
    seen = (np.abs(one["xyz"] - box[:3]) <= box[3:6] / 2 + 0.5).all(axis=1).sum()
    assert len(fused["xyz"]) > 3 * seen > 0


def write_signal(path: Path, count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    time_ns = 10**18 + np.cumsum(rng.integers(8, 12, count)) * 1_000_000
    values = np.cumsum(rng.normal(size=(count, 6)), axis=0)
    values[5:9] = np.nan
    channels = [f"{kind}_{axis}" for kind in ("acc", "gyro") for axis in "xyz"]
    with RecordingWriter(path, source="a walk made up for a test") as writer:
        writer.add_imu("phone", np.eye(4), channels=channels, units=["m/s²"] * 3 + ["rad/s"] * 3)
        writer.append_imu("phone", time_ns, values)
    return time_ns, values


def test_a_signal_shows_every_peak_at_any_zoom(tmp_path: Path) -> None:
    time_ns, values = write_signal(tmp_path / "walk.h5", 10_007)
    with Recording(tmp_path / "walk.h5") as recording:
        pyramid = signal_pyramid(recording, "phone", tmp_path / "cache")
        header, all_ = decode(pyramid.view(None, None, 300))
        near = (int(time_ns[4000]), int(time_ns[4100]))
        zoomed, few = decode(pyramid.view(*near, 300))
    block = header["block"]
    assert len(all_["low"]) <= 2 * 300 + 1
    for i in range(len(all_["low"])):
        rows = values[i * block : (i + 1) * block].astype(np.float32)
        if not np.isnan(rows).all():
            np.testing.assert_array_equal(all_["low"][i], np.nanmin(rows, axis=0))
            np.testing.assert_array_equal(all_["high"][i], np.nanmax(rows, axis=0))
    assert zoomed["block"] == 1
    np.testing.assert_array_equal(few["value"], values[3999:4102].astype(np.float32))
    seconds = (time_ns[3999:4102] - time_ns[3999]) / 1e9
    np.testing.assert_allclose(few["time"], seconds, atol=1e-5)


def test_the_pyramid_is_built_once_and_beside_the_recording(
    client: TestClient, tmp_path: Path, drive: Path
) -> None:
    path = drive.parent / "walk.h5"
    write_signal(path, 5000)
    services = client.app.state.services
    recording = add_recording(services, 1, "walk", str(path), "ann").id
    before = path.stat().st_mtime_ns
    first = client.get(f"/projects/1/recordings/{recording}/signals/phone", params={"pixels": 100})
    built = list((tmp_path / "server" / "cache" / "signals").iterdir())
    assert len(built) == 1
    made = (built[0] / "lows.npy").stat().st_mtime_ns
    query = {"pixels": 100, "from": str(10**18), "to": str(10**18 + 10**10)}
    second = client.get(f"/projects/1/recordings/{recording}/signals/phone", params=query)
    assert first.status_code == second.status_code == 200
    assert (built[0] / "lows.npy").stat().st_mtime_ns == made
    assert path.stat().st_mtime_ns == before
    path.unlink()


def test_the_binary_form_is_aligned_and_says_when_it_is_cut() -> None:
    xyz = Column("xyz", np.ones((3, 3), np.int16), 0.5, (1.0, 2.0, 3.0))
    columns = [xyz, Column("n", np.arange(3, dtype=np.uint8))]
    content = encode({"frame": 1}, columns)
    header, found = decode(content)
    assert [field["offset"] % 8 for field in header["fields"]] == [0, 0]
    np.testing.assert_array_equal(found["xyz"], [[1.5, 2.5, 3.5]] * 3)
    np.testing.assert_array_equal(found["n"], [0, 1, 2])
    for length in (0, 3, 8, 40, len(content) - 9):
        with pytest.raises(InvalidSource):
            decode(content[:length])
