"""An open ROS bag of either version: its connections, and their messages taken apart."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lidar_label.errors import InvalidSource


class Bag:
    """Messages of a bag; damage of any kind is an `InvalidSource` that names the bag."""

    def __init__(self, reader: Any, root: Path) -> None:
        """Take an open `rosbags` reader."""
        self._reader, self._root = reader, root

    @property
    def connections(self) -> list[Any]:
        """Topics with their message types."""
        return list(self._reader.connections)

    def messages(self, wanted: Sequence[Any]) -> Iterator[tuple[Any, int, Any]]:
        """Connection, time received in nanoseconds, and message of the connections wanted.

        Raises:
            InvalidSource: if the bag is damaged.
        """
        if not wanted:  # to `rosbags` no connection is every connection
            return
        rows = self._reader.messages(connections=wanted)
        while True:
            # Of damaged bytes `rosbags` makes errors of any kind.
            try:
                connection, received, raw = next(rows)
                message = self._reader.deserialize(raw, connection.msgtype)
            except StopIteration:
                return
            except Exception as error:
                raise damaged(self._root, error) from error
            yield connection, received, message


@contextmanager
def open_bag(files: Sequence[Path], root: Path) -> Generator[Bag]:
    """Open the files of one bag.

    Raises:
        InvalidSource: if it is no whole bag.
    """
    from rosbags.highlevel import AnyReader
    from rosbags.typesys import Stores, get_typestore

    try:
        reader = AnyReader(list(files), default_typestore=get_typestore(Stores.ROS2_HUMBLE))
        reader.open()
        for connection in reader.connections:
            count: Any = connection.msgcount  # as the file says it, of whatever type
            if not isinstance(count, int):
                raise ValueError(f"{connection.topic} has {count!r} messages")
    except Exception as error:
        raise damaged(root, error) from error
    try:
        yield Bag(reader, root)
    finally:
        reader.close()


def damaged(root: Path, error: Exception) -> InvalidSource:
    """What to say of a bag that does not read."""
    reason = (str(error) or type(error).__name__).splitlines()[0]
    return InvalidSource(f"{root}: not a whole bag ({reason}); copy it again")
