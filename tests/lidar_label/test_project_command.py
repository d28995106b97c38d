"""`lidar-label project …` on a real store: from a new project to an export."""

import importlib.util
import json
from pathlib import Path

import pytest

from lidar_label import cli
from lidar_label.cuboids import load_cuboids
from lidar_label.datasets.formats import read_labels
from lidar_label.store import Store

_SPEC = importlib.util.spec_from_file_location(
    "recorded_drive", Path(__file__).parent.parent / "recorded_drive.py"
)
recorded_drive = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(recorded_drive)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIDAR_LABEL_STORE", str(tmp_path / "labels.db"))
    return tmp_path / "labels.db"


def project(capsys: pytest.CaptureFixture[str], *words: str | Path):
    code = cli.main(["project", *map(str, words), "--json"])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    return json.loads(captured.out)


def test_from_a_new_project_to_an_export(store: Path, tmp_path: Path, capsys) -> None:
    truth = recorded_drive.write_drive(tmp_path / "drive.h5")
    assert project(capsys, "create", "streets")["id"] == 1
    assert project(capsys, "add-recording", "streets", tmp_path / "drive.h5")[0]["frames"] == 6
    labels = tmp_path / "drive.labels.parquet"
    done = project(capsys, "import-labels", "streets", "drive", labels)
    assert (done["cuboids"], done["unmapped"]) == (len(truth), {})
    out = tmp_path / "out"
    (exported,) = project(capsys, "export", "streets", "--format", "parquet", "-o", out)
    assert exported["cuboids"] == len(truth)
    back = load_cuboids(out / "drive" / "labels.parquet")
    assert sorted(back.boxes[:, 0].tolist()) == sorted(truth.boxes[:, 0].tolist())
    assert set(back.category) == set(truth.category)
    items = project(capsys, "assign", "streets", "drive", "--frames", "4")
    assert [(i["first_frame"], i["last_frame"]) for i in items] == [(0, 3), (4, 5)]
    (listed,) = project(capsys, "list")
    assert (listed["recordings"], listed["work"]["annotate"]) == (1, 2)


def test_proposals_go_out_only_when_asked_for(store: Path, tmp_path: Path, capsys) -> None:
    truth = recorded_drive.write_drive(tmp_path / "drive.h5")
    project(capsys, "create", "streets")
    project(capsys, "add-recording", "streets", tmp_path / "drive.h5")
    labels = tmp_path / "drive.labels.parquet"
    project(capsys, "import-labels", "streets", "drive", labels, "--proposals")
    export = ("export", "streets", "--format", "csv", "--force", "-o", tmp_path / "out")
    assert project(capsys, *export)[0]["cuboids"] == 0
    assert project(capsys, *export, "--proposed")[0]["cuboids"] == len(truth)


def test_people_roles_and_tokens(store: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv("LIDAR_LABEL_PASSWORD", "correct horse battery")
    project(capsys, "create", "streets")
    project(capsys, "users", "--add", "root", "--site-admin")
    project(capsys, "users", "--add", "ann")
    members = project(capsys, "users", "streets", "--role", "ann", "annotator")
    assert members == [{"name": "ann", "role": "annotator"}]
    secret = project(capsys, "tokens", "ann", "--create", "script")["secret"]
    with Store.open(store) as opened:
        assert opened.people.token_user(secret).name == "ann"
        assert opened.people.verify_password("ann", "correct horse battery").name == "ann"
        assert opened.people.user("root").site_admin
    assert project(capsys, "tokens", "ann", "--revoke", "1")[0]["revoked"]
    project(capsys, "users", "--lock", "ann")
    with Store.open(store) as opened:
        assert opened.people.token_user(secret) is None
        assert opened.people.verify_password("ann", "correct horse battery") is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create", "streets"), "streets"),
        (("list", "nowhere"), "nowhere"),
        (("users", "--role", "ann", "viewer"), "name the project"),
        (("users", "streets", "--role", "ann", "king"), "king"),
        (("add-recording", "streets", "absent.h5"), "absent.h5"),
        (("import-labels", "streets", "absent", "x.csv"), "absent"),
        (("assign", "streets", "absent"), "absent"),
        (("tokens", "nobody"), "nobody"),
        (("create", "other", "--ontology", "absent.yaml"), "absent.yaml"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    store: Path, capsys, words: tuple[str, ...], said: str
) -> None:
    project(capsys, "create", "streets")
    assert cli.main(["project", *words]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert said in error


def test_a_store_that_is_not_there_is_not_made_by_reading(store: Path, capsys) -> None:
    assert cli.main(["project", "list"]) == 2
    assert not store.exists()


def test_an_export_renames_classes_and_is_checked(store: Path, tmp_path: Path, capsys) -> None:
    truth = recorded_drive.write_drive(tmp_path / "drive.h5")
    project(capsys, "create", "streets")
    project(capsys, "add-recording", "streets", tmp_path / "drive.h5")
    project(capsys, "import-labels", "streets", "drive", tmp_path / "drive.labels.parquet")
    cars = int((truth.category == "car").sum())
    export = ("export", "streets", "--check", "--force", "-o", tmp_path / "out", "--format")
    (done,) = project(capsys, *export, "csv", "--map-classes", "car=Car,pedestrian=")
    assert done["cuboids"] == cars
    assert "category 'car': written as 'Car', " + f"{cars} rows" in done["not_exported"]
    back, _ = read_labels(tmp_path / "out" / "drive" / "labels.csv", None)
    assert set(back.category) == {"Car"}
    assert {row["column"]: row["differ"] for row in done["check"]}["cuboids"] == 0
    assert cli.main(["project", *map(str, export), "kitti-tracking"]) == 0
    printed = capsys.readouterr().out
    assert "kitti-tracking" in printed
    assert "column" in printed
    assert "not exported: " in printed
    assert cli.main(["project", *map(str, export), "coco"]) == 2
    assert "no cuboids to read back" in capsys.readouterr().err


def test_an_export_that_came_back_otherwise_is_the_answer_no(
    store: Path, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lidar_label.datasets import tables

    recorded_drive.write_drive(tmp_path / "drive.h5")
    project(capsys, "create", "streets")
    project(capsys, "add-recording", "streets", tmp_path / "drive.h5")
    project(capsys, "import-labels", "streets", "drive", tmp_path / "drive.labels.parquet")
    write = tables.write_csv
    moved = lambda cuboids, path: write(cuboids.replace(boxes=cuboids.boxes + 0.5), path)  # noqa: E731
    monkeypatch.setattr(tables, "write_csv", moved)
    command = ["project", "export", "streets", "--format", "csv", "-o", str(tmp_path / "out")]
    assert cli.main([*command, "--check"]) == 1
    assert "NOT TOLD in NOT_EXPORTED.txt" in capsys.readouterr().out
    assert cli.main([*command, "--force"]) == 0
