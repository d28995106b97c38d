"""Whatever the OpenAPI document allows or forbids, no route answers what it does not say."""

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from lidar_label.viewers.api.application import ROUTES, create_app
from lidar_label.viewers.api.recording_routes import add_recording

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
THERE = {"project": 1, "recording": 1, "frame": 0, "camera": "front", "track": 1, "item": 1}


@pytest.fixture(scope="module")
def operations(drive: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("schema")
    app = create_app(
        folder / "labels.db", [drive.parent], folder=folder / "server", user="ann",
        hosts=["testserver"],
    )  # fmt: skip
    services = app.state.services
    services.store.create_project("streets", "root")
    add_recording(services, 1, "drive", str(drive), "root")
    services.store.work.add(1, "root", [(0, 5)])
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)
    found = (each.ok() for each in schema.get_all_operations())
    return {operation.definition.raw["operationId"]: operation for operation in found}


_TIMEOUT_S = 120  # the first to propose on a new machine waits for its kernels to be compiled

# `start_job` starts a process of some seconds: test_jobs.py runs real ones.
OPERATIONS = [
    route.name for module in ROUTES for route in module.router.routes if route.name != "start_job"
]


@pytest.mark.parametrize("name", OPERATIONS)
def test_answers_are_those_of_the_document(operations: dict[str, Any], name: str) -> None:
    operation = operations[name]

    @settings(
        max_examples=12, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck), database=None,
    )  # fmt: skip
    @given(case=operation.as_strategy(), there=st.booleans())
    def ask(case: schemathesis.Case, there: bool) -> None:
        if there and case.path_parameters:
            known = {k: v for k, v in THERE.items() if k in case.path_parameters}
            case.path_parameters.update(known)
        case.call_and_validate(checks=CHECKS, timeout=_TIMEOUT_S)

    ask()
