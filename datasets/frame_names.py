"""What a source calls its frames: kept in a recording's source line, so that exports use them."""

import re
from collections.abc import Sequence

from lidar_label.datasets.recording import Recording

_MARK = "; frames "
_MOST_CHARACTERS = 20_000
_RUN = re.compile(r"(\d+)\.\.(\d+)")


def describe_source(format_name: str, folder_name: str, names: Sequence[str]) -> str:
    """`kitti-object drive; frames 000000..000107 000110`; without names where that gets long."""
    line = f"{format_name} {folder_name.replace(_MARK, ' ')}"
    runs = " ".join(_runs(names))
    usable = names and not any(re.search(r"[\s;]|\.\.", name) or not name for name in names)
    return line + _MARK + runs if usable and len(runs) <= _MOST_CHARACTERS else line


def frame_names(recording: Recording) -> list[str] | None:
    """The source's names of the recording's frames, or None where it says none that fit."""
    _, mark, text = recording.source.partition(_MARK)
    if not mark:
        return None
    names: list[str] = []
    for word in text.split():
        run = _RUN.fullmatch(word)
        if run is None:
            names.append(word)
            continue
        first, last = int(run[1]), int(run[2])
        if last - first >= recording.frame_count:
            return None
        names += [f"{number:0{len(run[1])}d}" for number in range(first, last + 1)]
    return names if len(names) == recording.frame_count else None


def file_names(names: Sequence[str] | None, count: int) -> list[str]:
    """Names for files of frames: the source's, else six digits from 000000."""
    return list(names) if names else [f"{i:06d}" for i in range(count)]


def numbered_names(names: Sequence[str] | None, count: int) -> list[str]:
    """The same for formats that want numbers: the source's where all are, of at most ten digits."""
    fit = names and all(name.isascii() and name.isdecimal() and len(name) <= 10 for name in names)
    return file_names(names if fit else None, count)


def _runs(names: Sequence[str]) -> list[str]:
    """Names with runs of consecutive numbers of one width written as `first..last`."""
    words: list[str] = []
    start = 0
    for i in range(1, len(names) + 1):
        if i < len(names) and _follows(names[i - 1], names[i]):
            continue
        words.append(names[start] if i - start == 1 else f"{names[start]}..{names[i - 1]}")
        start = i
    return words


def _follows(name: str, after: str) -> bool:
    return (
        name.isascii()
        and name.isdecimal()
        and len(after) == len(name)
        and after == f"{int(name) + 1:0{len(name)}d}"
    )
