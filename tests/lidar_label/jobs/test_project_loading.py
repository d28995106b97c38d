"""A job's results become proposals of a project of the real store."""

from pathlib import Path

import pytest

from lidar_label.jobs.project_loading import load_into_project
from lidar_label.jobs.results import job_results

store_package = pytest.importorskip("lidar_label.store", reason="the label store is not here yet")


def test_results_become_proposals_once(undisturbed: Path, tmp_path: Path) -> None:
    with store_package.Store.open(tmp_path / "labels.db") as store:
        project = store.create_project("drives", "ann")
        loaded = load_into_project(undisturbed, store, project.id, "ann")
        assert (loaded.recordings, loaded.added) == (6, 6)
        known = {one.content_hash: one.id for one in store.recordings(project.id)}
        for result in job_results(undisturbed):
            proposals = store.labels(known[result.content_hash]).cuboids
            assert len(proposals) == len(result.cuboids())
        again = load_into_project(undisturbed, store, project.id, "ann")
        assert (again.recordings, again.added) == (6, 0)
        counts = {number: len(store.labels(number).cuboids) for number in known.values()}
        assert sum(counts.values()) == loaded.cuboids
