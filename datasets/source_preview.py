"""The first sweeps and images of a source, to be looked at before it is imported."""

import contextlib
import time
from dataclasses import dataclass, field
from pathlib import Path

from lidar_label.datasets.formats import FORMATS, recognise
from lidar_label.datasets.intake import Cloud, Intake
from lidar_label.datasets.recording_writer import RecordingWriter
from lidar_label.errors import InvalidSource, UsageError

_SWEEPS = 3  # of each LiDAR
_LONGEST_S = 4.0  # a camera whose images come later than this is not waited for
_WITHOUT_CAMERAS = frozenset({"points"})


class _EnoughError(Exception):
    """The preview has what it needs."""


@dataclass(kw_only=True)
class _Glance(Intake):
    """Takes the first sweeps of every LiDAR and the first image of every camera.

    A reader may name its cameras only when their turn comes, so it is left to read on for a while.
    """

    until: float
    cameras: bool
    shown: set[str] = field(default_factory=set[str])

    def sweep(self, lidar: str, time_ns: int, cloud: Cloud) -> None:
        """Write one of the first."""
        if self.sweeps.get(lidar, 0) < _SWEEPS:
            super().sweep(lidar, time_ns, cloud)
        self._stop_when_enough()

    def image(self, camera: str, time_ns: int, path: Path) -> None:
        """Write the first."""
        if camera not in self.shown:
            super().image(camera, time_ns, path)
            self.shown.add(camera)
        self._stop_when_enough()

    def _stop_when_enough(self) -> None:
        if (self.points and not self.cameras) or time.monotonic() > self.until:
            raise _EnoughError


def preview_source(
    source: Path,
    out: Path,
    format: str | None = None,  # noqa: A002  # as of `import_source`
    sequence: str | None = None,
) -> str:
    """Read as much as shows where points lie and cameras look; nothing is estimated.

    Args:
        source: Folder or file.
        out: The small recording; replaced where it exists.
        format: Name of the format; recognised when None.
        sequence: Which one, where the source holds several.

    Returns:
        The format's name.

    Raises:
        InvalidSource: if the source cannot be read as what it is, or holds no points.
        UsageError: if there is no such format, or a choice is missing.
    """
    name = recognise(source) if format is None else format
    if name not in FORMATS:
        raise UsageError(f"no format {name}; there are {', '.join(FORMATS)}")
    with RecordingWriter(out, source=f"preview of {source.name}", overwrite=True) as writer:
        until = time.monotonic() + _LONGEST_S
        glance = _Glance(writer=writer, until=until, cameras=name not in _WITHOUT_CAMERAS)
        with contextlib.suppress(_EnoughError):
            FORMATS[name].read(source, glance, sequence)
        if not glance.points:
            raise InvalidSource(f"{source}: no points in its first sweeps; is it a {name} source?")
    return name
