"""What `export` and `project export` share: the options of an export, doing it, telling of it."""

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lidar_label.datasets.export_names import EXPORT_FORMATS

if TYPE_CHECKING:
    from lidar_label.cuboids import Cuboids
    from lidar_label.datasets.recording import Recording
    from lidar_label.datasets.round_trip import Difference


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare format, folder, names of classes, check and force."""
    parser.add_argument(
        "--format",
        metavar="F",
        required=True,
        choices=EXPORT_FORMATS,
        help="|".join(EXPORT_FORMATS),
    )
    parser.add_argument(
        "-o", "--output", metavar="DIR", required=True, type=Path, help="folder to write"
    )
    parser.add_argument(
        "--map-classes",
        metavar="MAP",
        help="names of classes in the export: a=b,c=d (c= leaves out), or a YAML file of them",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="read the export back and print the differences by column; exit 1 if one is not told",
    )
    parser.add_argument("--force", action="store_true", help="replace a former export in DIR")


@dataclass(frozen=True)
class ExportWishes:
    """What was asked for, found to be possible.

    Attributes:
        form: The format.
        class_map: Class → its name in the export, "" to leave it out; None keeps all names.
        check: Whether to read the export back.
        force: Whether to replace a former one.
    """

    form: str
    class_map: dict[str, str] | None
    check: bool
    force: bool

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> "ExportWishes":
        """From the options of `add_export_arguments`.

        Raises:
            UsageError: if the map cannot be read, or the format cannot be checked.
        """
        from lidar_label.datasets.class_map import read_class_map
        from lidar_label.datasets.round_trip import check_holds_cuboids

        given = arguments.map_classes
        if arguments.check:
            check_holds_cuboids(arguments.format)
        class_map = None if given is None else read_class_map(given)
        return cls(arguments.format, class_map, arguments.check, arguments.force)


@dataclass(frozen=True)
class Exported:
    """What came of an export.

    Attributes:
        directory: Where.
        form: The format.
        cuboids: Number of them that were written.
        files: Relative to the folder.
        not_exported: The lines of NOT_EXPORTED.txt.
        checked: How each column came back; None if that was not asked for.
    """

    directory: Path
    form: str
    cuboids: int
    files: list[str]
    not_exported: list[str]
    checked: "list[Difference] | None"

    @property
    def untold(self) -> bool:
        """Whether something came back otherwise and NOT_EXPORTED.txt does not say so."""
        return any(row.differ and not row.told for row in self.checked or ())

    def document(self) -> dict[str, Any]:
        """For `--json`; `check` is there only if it was asked for."""
        document: dict[str, Any] = {
            "directory": str(self.directory),
            "format": self.form,
            "cuboids": self.cuboids,
            "files": self.files,
            "not_exported": self.not_exported,
        }
        if self.checked is not None:
            document["check"] = [asdict(row) for row in self.checked]
        return document

    def lines(self, warnings: list[str]) -> list[str]:
        """For people, with what was odd in the labels before."""
        from lidar_label.datasets.round_trip import table

        count = len(self.files)
        lines = [f"{self.directory}: {self.form}, {self.cuboids} cuboids in {count} files"]
        lines += [f"warning: {line}" for line in warnings]
        lines += [f"not exported: {line}" for line in self.not_exported]
        return lines + ([] if self.checked is None else table(self.checked))


def write_export(
    cuboids: "Cuboids", recording: "Recording | None", directory: Path, wishes: ExportWishes
) -> Exported:
    """Rename classes, write, read back; raises what `export_labels` does."""
    from lidar_label.datasets.class_map import map_classes
    from lidar_label.datasets.cloud_export import CLOUD_FORMATS
    from lidar_label.datasets.cloud_round_trip import cloud_differences
    from lidar_label.datasets.export_folder import NOT_EXPORTED
    from lidar_label.datasets.exports import export_labels
    from lidar_label.datasets.round_trip import differences, read_back

    form, notes = wishes.form, list[str]()
    if wishes.class_map is not None:
        cuboids, notes = map_classes(cuboids, wishes.class_map)
    files = export_labels(cuboids, recording, form, directory, force=wishes.force, notes=notes)
    lost = (directory / NOT_EXPORTED).read_text(encoding="utf-8").splitlines()
    checked = None
    if wishes.check:
        checked = differences(cuboids, read_back(directory, form, recording), lost)
        if recording is not None and form in CLOUD_FORMATS:
            checked += cloud_differences(directory, form, recording)
    names = [str(path.relative_to(directory.resolve())) for path in files]
    return Exported(directory, form, len(cuboids), names, lost, checked)
