"""Small valid sources of every format, damaged at random: a clear line or a reading, each time."""

import random
import re
import shutil
import time
import zlib
from pathlib import Path

import pytest
import source_folders as folders

from lidar_label.datasets.formats import import_source
from lidar_label.datasets.recording import Recording
from lidar_label.errors import LidarLabelError

ROUNDS = 24  # of each format: 11 formats make more than 200 damaged sources
NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
ABSURD = (b"-1", b"0", b"1e400", b"nan", b"99999999999999999999", b"4294967295", b"", b"x")


def flip_bits(data: bytes, rng: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def truncate(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def swap_pieces(data: bytes, rng: random.Random) -> bytes:
    a, b, c = sorted(rng.randrange(len(data) + 1) for _ in range(3))
    return data[:a] + data[b:c] + data[a:b] + data[c:]


def overwrite(data: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data))
    size = min(rng.randint(1, 64), len(data) - start)
    return data[:start] + bytes([rng.choice((0, 255))]) * size + data[start + size :]


def absurd_number(data: bytes, rng: random.Random) -> bytes:
    """One of the numbers that stand as text; of binary files those in the header."""
    found = list(NUMBER.finditer(data[:20_000]))
    if not found:
        return flip_bits(data, rng)
    one = rng.choice(found)
    return data[: one.start()] + rng.choice(ABSURD) + data[one.end() :]


def absurd_size(data: bytes, rng: random.Random) -> bytes:
    """Four bytes, aligned, that say a very large number."""
    start = rng.randrange(max(len(data) // 4, 1)) * 4
    return data[:start] + b"\xff\xff\xff\x7f" + data[start + 4 :]


MUTATIONS = (flip_bits, truncate, swap_pieces, overwrite, absurd_number, absurd_size)


@pytest.fixture(scope="module", params=sorted(folders.BUILDERS))
def original(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    return request.param, folders.BUILDERS[request.param](tmp_path_factory.mktemp("o") / "data")


def imported(source: Path, out: Path, form: str, what: str) -> str:
    """What the import says against the source; nothing where it reads, and reads whole."""
    try:
        result = import_source(source, out, form)
    except LidarLabelError as error:
        return str(error)
    except Exception as error:  # whatever else comes out is the defect that this looks for
        pytest.fail(f"{what}: {error!r}")
    with Recording(result.recording_path) as recording:
        recording.verify()
    return ""


def test_damage_is_a_line_or_a_reading(original: tuple[str, Path], tmp_path: Path) -> None:
    form, source = original
    rng = random.Random(zlib.crc32(form.encode()))
    files = sorted(path for path in source.rglob("*") if path.is_file() and path.stat().st_size)
    told = 0
    for i in range(ROUNDS):
        damaged = tmp_path / f"damaged_{i}"
        shutil.copytree(source, damaged)
        victim = damaged / rng.choice(files).relative_to(source)
        mutate = rng.choice(MUTATIONS)
        victim.write_bytes(mutate(victim.read_bytes(), rng))
        out = tmp_path / f"out_{i}" / "out.h5"
        start = time.monotonic()
        what = f"{form}, round {i}: {mutate.__name__} of {victim.relative_to(damaged)}"
        said = imported(damaged, out, form, what)
        assert "\n" not in said, what
        if said:
            told += 1
            assert not out.parent.exists() or not list(out.parent.iterdir()), what
        assert time.monotonic() - start < 60, f"{what}: hangs"
        shutil.rmtree(damaged)
    assert told > 0, "no damage was ever noticed"
