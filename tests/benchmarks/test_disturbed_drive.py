"""A labelled drive, disturbed: labels hold objects under one id at least as well as previews."""

from pathlib import Path

from lidar_label.benchmarks.disturbed_drive import drive_rows


def test_tracks_for_labels_keep_more_objects_whole_and_nearer_than_online_ones(
    shared: Path,
) -> None:
    rows = {row.name.split(": ")[1]: row for row in drive_rows(shared)}
    assert rows["objects with one id"].ratio is not None
    assert rows["objects with one id"].ratio >= 1
    assert "3 seeds" in rows["objects with one id"].note
    for error in ("place", "speed", "length", "height", "heading"):
        assert rows[f"rms error of {error}"].ratio > 1
    assert rows["edits an object-frame"].ours < 0.05
