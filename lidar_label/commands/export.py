"""`lidar-label export LABELS --format F -o DIR`: labels in a dataset's format."""

import argparse
import json
from contextlib import ExitStack

from lidar_label.commands.one_export import ExportWishes, add_export_arguments, write_export

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
    add_export_arguments(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(arguments: argparse.Namespace) -> int:
    """Export, and say what the format could not hold."""
    from lidar_label.datasets.formats import read_labels
    from lidar_label.datasets.recording import Recording

    wishes = ExportWishes.of(arguments)
    with ExitStack() as stack:
        recording = None
        if arguments.recording is not None:
            recording = stack.enter_context(Recording(arguments.recording))
        labels, warnings = read_labels(arguments.labels, recording)
        done = write_export(labels, recording, arguments.output, wishes)
    if arguments.json:
        print(json.dumps({**done.document(), "warnings": warnings}, indent=1))  # noqa: T201
    else:
        print("\n".join(done.lines(warnings)))  # noqa: T201
    return int(done.untold)
