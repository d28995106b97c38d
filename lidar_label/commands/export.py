"""`lidar-label export LABELS --format F -o DIR`: labels in a dataset's format."""

import argparse
import json
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from lidar_label.datasets.export_names import EXPORT_FORMATS

_EPILOG = """\
Every export holds CONVENTIONS.txt (frame, axes, yaw, sizes, units) and NOT_EXPORTED.txt (what the
format has no place for). LABELS is a .parquet or .csv of ours, or a folder of labels in a dataset's
format, so that labels can be turned from one format into another.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("labels", help="labels (.parquet, .csv, or a folder of a dataset)")
    parser.add_argument(
        "--recording", metavar="REC", help="the recording they label: rig, times, names of frames"
    )
    parser.add_argument(
        "--format",
        metavar="F",
        required=True,
        choices=EXPORT_FORMATS,
        help="|".join(EXPORT_FORMATS),
    )
    parser.add_argument("-o", "--output", metavar="DIR", required=True, help="folder to write")
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
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(arguments: argparse.Namespace) -> int:
    """Export, and say what the format could not hold."""
    from lidar_label.datasets.class_map import map_classes, read_class_map
    from lidar_label.datasets.cloud_export import CLOUD_FORMATS
    from lidar_label.datasets.cloud_round_trip import cloud_differences
    from lidar_label.datasets.export_folder import NOT_EXPORTED
    from lidar_label.datasets.formats import export_labels, read_labels
    from lidar_label.datasets.recording import Recording
    from lidar_label.datasets.round_trip import (
        Difference,
        check_holds_cuboids,
        differences,
        read_back,
        table,
    )

    class_map = None if arguments.map_classes is None else read_class_map(arguments.map_classes)
    form, directory = arguments.format, Path(arguments.output)
    if arguments.check:
        check_holds_cuboids(form)
    checked: list[Difference] = []

    with ExitStack() as stack:
        recording = None
        if arguments.recording is not None:
            recording = stack.enter_context(Recording(arguments.recording))
        labels, warnings = read_labels(arguments.labels, recording)
        notes: list[str] = []
        if class_map is not None:
            labels, notes = map_classes(labels, class_map)
        files = export_labels(
            labels, recording, form, directory, force=arguments.force, notes=notes
        )
        lost = (directory / NOT_EXPORTED).read_text(encoding="utf-8").splitlines()
        if arguments.check:
            checked = differences(labels, read_back(directory, form, recording), lost)
            if recording is not None and form in CLOUD_FORMATS:
                checked += cloud_differences(directory, form, recording)
    if arguments.json:
        document = {
            "directory": str(directory),
            "format": form,
            "cuboids": len(labels),
            "files": [str(path.relative_to(directory.resolve())) for path in files],
            "not_exported": lost,
            "warnings": warnings,
        }
        if arguments.check:
            document["check"] = [asdict(row) for row in checked]
        print(json.dumps(document, indent=1))  # noqa: T201
    else:
        print(f"{directory}: {form}, {len(labels)} cuboids in {len(files)} files")  # noqa: T201
        lines = [f"warning: {line}" for line in warnings]
        lines += [f"not exported: {line}" for line in lost]
        print("\n".join([*lines, *(table(checked) if arguments.check else ())]))  # noqa: T201
    return int(any(row.differ and not row.told for row in checked))
