"""A job's numbers for Prometheus: served on a port, or written to a file for node_exporter."""

import contextlib
from pathlib import Path
from typing import Any

from lidar_label import __version__
from lidar_label.errors import UsageError
from lidar_label.jobs.job_progress import JobEvent


class Metrics:
    """Listens to a job and keeps its numbers up to date; use it in a `with` statement.

    `target` is a port to serve on, or the path of a file ending in .prom, written whole each time.
    """

    def __init__(self, target: str) -> None:
        """Start serving, or check the file's name.

        Raises:
            UsageError: if prometheus-client is not installed or the target cannot be used.
        """
        try:
            from prometheus_client import CollectorRegistry, Counter, Gauge
        except ImportError as error:
            text = "--metrics needs prometheus-client; pip install 'lidar-label[metrics]'"
            raise UsageError(text) from error
        self._registry = CollectorRegistry()
        prefix = "lidar_label_batch_"

        def gauge(name: str, text: str, labels: tuple[str, ...] = ()) -> Any:
            return Gauge(prefix + name, text, labels, registry=self._registry)

        self._recordings = gauge("recordings", "Recordings of the job by state", ("state",))
        self._rate = gauge("sweeps_per_second", "Sweeps a second of this run")
        self._left = gauge("seconds_left", "Estimated time to the end; NaN when unknown")
        self._seconds = gauge("run_seconds", "Time since the start of this run")
        self._end = gauge("complete", "1 when every recording has its result")
        gauge("info", "Version", ("version",)).labels(__version__).set(1)
        self._sweeps = gauge("sweeps", "Sweeps done in this run")
        self._cuboids = gauge("cuboids", "Cuboids in results of this run")
        self._failures = Counter(
            prefix + "failures", "Recordings quarantined", ("kind",), registry=self._registry
        )
        self._retries = Counter(
            prefix + "retries", "Recordings begun again", registry=self._registry
        )
        self._file = None if target.isdigit() else self._checked(Path(target))
        self._server: Any = None
        if target.isdigit():
            self._serve(int(target))

    @staticmethod
    def _checked(path: Path) -> Path:
        if path.suffix != ".prom":
            raise UsageError(f"--metrics {path}: give a port, or a file that ends in .prom")
        if not path.absolute().parent.is_dir():
            raise UsageError(f"--metrics {path}: its folder does not exist; make it first")
        return path

    def _serve(self, port: int) -> None:
        from prometheus_client import start_http_server

        try:
            self._server, _ = start_http_server(port, registry=self._registry)
        except (OSError, OverflowError) as error:
            raise UsageError(f"--metrics {port}: the port cannot be used ({error})") from error

    @property
    def port(self) -> int | None:
        """The port served on, or None."""
        return self._server.server_port if self._server else None

    def __enter__(self) -> "Metrics":
        return self

    def __exit__(self, *_: object) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    def __call__(self, event: JobEvent) -> None:
        """Take an event in."""
        now = event.progress
        waiting = now.recordings - now.already - now.done - now.failed - now.running
        for state, count in (
            ("finished_before", now.already),
            ("done", now.done),
            ("failed", now.failed),
            ("running", now.running),
            ("waiting", waiting),
        ):
            self._recordings.labels(state).set(count)
        self._rate.set(now.sweeps_per_second)
        self._left.set(float("nan") if now.seconds_left is None else now.seconds_left)
        self._seconds.set(now.seconds)
        self._sweeps.set(now.sweeps)
        self._cuboids.set(now.cuboids)
        if event.kind == "failed":
            self._failures.labels(event.fields["failure"]).inc()
        elif event.kind == "retry":
            self._retries.inc()
        elif event.kind == "end":
            self._end.set(int(event.fields["complete"]))
        if self._file:
            from prometheus_client import write_to_textfile

            with contextlib.suppress(OSError):  # a full disk must not end the job from here
                write_to_textfile(str(self._file), self._registry)
