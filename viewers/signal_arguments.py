"""What a person says of a signal file on the command line, where the reader need not guess."""

import argparse
from typing import TYPE_CHECKING

from lidar_label.errors import UsageError

if TYPE_CHECKING:
    from lidar_label.datasets.signal_files import SignalOptions


def add_signal_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare time, rate, channels and units."""
    parser.add_argument("--time-column", help="of a signal: name of the column with the time")
    parser.add_argument("--time-unit", choices=("ns", "us", "ms", "s"), help="of that column")
    parser.add_argument(
        "--time-zone", metavar="ZONE", help="of dates that name none, as Europe/Berlin"
    )
    parser.add_argument("--rate", type=float, metavar="HZ", help="samples a second without times")
    parser.add_argument("--channels", help="columns to read, separated by commas")
    parser.add_argument(
        "--unit", action="append", default=[], metavar="CHANNEL=UNIT", help="as acc_x=g"
    )


def signal_options(arguments: argparse.Namespace) -> "SignalOptions | None":
    """What was said; None where nothing was.

    Raises:
        UsageError: if a unit names no channel.
    """
    from lidar_label.datasets.signal_files import SignalOptions

    units: dict[str, str] = {}
    for pair in arguments.unit:
        channel, equals, unit = pair.partition("=")
        if not equals:
            raise UsageError(f"--unit {pair}: write it as CHANNEL=UNIT, such as acc_x=g")
        units[channel] = unit
    options = SignalOptions(
        time_column=arguments.time_column,
        time_unit=arguments.time_unit,
        rate_hz=arguments.rate,
        time_zone=arguments.time_zone,
        channels=tuple(arguments.channels.split(",")) if arguments.channels else (),
        units=units,
    )
    return None if options == SignalOptions() else options
