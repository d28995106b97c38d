"""The `lidar-label` command: finds the subcommand, loads only that one, turns errors into lines."""

import argparse
import errno
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from lidar_label import __version__
from lidar_label.errors import LidarLabelError
from lidar_label.interrupts import lost_interrupts_resent

DONE, ANSWER_IS_NO, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

# name: (module with `add_arguments(parser)` and `run(arguments) -> exit code`, help)
COMMANDS: dict[str, tuple[str, str]] = {
    "simulate": ("lidar_label.commands.simulate", "make a recording of a simulated drive"),
    "import": ("lidar_label.commands.import_", "read a dataset folder or file into a recording"),
    "info": ("lidar_label.commands.info", "say what a recording holds"),
    "annotate": ("lidar_label.viewers.annotate_command", "propose and track cuboids"),
    "calibrate": ("lidar_label.viewers.calibrate_command", "check clocks and places of sensors"),
    "batch": ("lidar_label.viewers.batch_command", "annotate many recordings, restartable"),
    "segment": ("lidar_label.viewers.segment_command", "find activity windows in a signal"),
    "view": ("lidar_label.viewers.view_command", "correct labels in the browser"),
    "evaluate": ("lidar_label.commands.evaluate", "compare labels with the truth"),
    "export": ("lidar_label.commands.export", "write labels in a dataset's format"),
    "project": ("lidar_label.commands.project", "projects, people, labels and work in a store"),
    "benchmark": ("lidar_label.benchmarks.benchmark_command", "measure against peers"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; 0 done, 1 the answer is no, 2 bad input or usage, 130 interrupted."""
    argv = list(sys.argv[1:] if argv is None else argv)
    parser = _parser(argv)
    arguments = parser.parse_args(argv)
    if arguments.command is None:
        parser.print_help()
        return DONE
    try:
        with lost_interrupts_resent():
            return int(importlib.import_module(COMMANDS[arguments.command][0]).run(arguments))
    except LidarLabelError as error:
        print(f"lidar-label {arguments.command}: {error}", file=sys.stderr)  # noqa: T201
        _leave_if_hdf5_failed(error)
        return BAD_INPUT
    except (OSError, MemoryError) as error:
        if isinstance(error, BrokenPipeError):
            sys.stderr.close()
            return DONE
        print(f"lidar-label {arguments.command}: {_in_words(error)}", file=sys.stderr)  # noqa: T201
        return BAD_INPUT
    except KeyboardInterrupt:
        print(f"lidar-label {arguments.command}: interrupted", file=sys.stderr)  # noqa: T201
        return INTERRUPTED


def _leave_if_hdf5_failed(error: LidarLabelError) -> None:
    """End the process at once where its usual end would be a crash of the HDF5 library."""
    from lidar_label.datasets.whole_files import hdf5_failed

    if hdf5_failed(error):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(BAD_INPUT)


def _in_words(error: OSError | MemoryError) -> str:
    """What the system refused, of which nobody nearer to it knew more to say."""
    if isinstance(error, MemoryError):
        return "out of memory; give it less at once, or run it where there is more"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{error.filename or 'a file'}: the disk is full; free some space and run it again"
    where = f"{error.filename}: " if error.filename else ""
    reason = error.strerror or " ".join(str(error).split())
    return f"{where}{reason}; check that it is there and that you may use it"


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with a command line in one line."""

    def error(self, message: str) -> NoReturn:
        """Leave with it, and where to read more."""
        self.exit(BAD_INPUT, f"{self.prog}: {message}; `{self.prog} --help` tells more\n")


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    parser = _Parser(prog="lidar-label", description=__doc__)
    parser.description = (
        "Sensor recordings in, labels out: the machine proposes, a person verifies."
    )
    parser.add_argument("--version", action="version", version=f"lidar-label {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    asked = next((word for word in argv if not word.startswith("-")), None)
    for name, (module, text) in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=text, description=text)
        if name == asked:
            importlib.import_module(module).add_arguments(subparser)
    return parser
