"""Track numbers of the ids that a format's files spell, the same for every reader.

A format has one place for an object's id. Where it is one that we made of a track number, the
number comes back; any other id is kept as `source_id` and numbered after those, as it appears.
"""

from collections.abc import Callable, Sequence

import numpy as np

from lidar_label.arrays import Ints, Strings
from lidar_label.datasets.intake import texts

_NO_TRACK = -1
_MOST = 2**62  # larger numbers are taken for names, so that others can be numbered after them


def track_numbers(ids: Sequence[str], ours: Callable[[str], int | None]) -> tuple[Ints, Strings]:
    """`track_id` (N,) and `source_id` (N,) of ids (N,).

    Args:
        ids: As the file spells them; "" is no track.
        ours: The track number of an id that we made, −1 of one we made for no track, else None.
    """
    numbers = {text: _NO_TRACK if text == "" else ours(text) for text in dict.fromkeys(ids)}
    known = {text: n for text, n in numbers.items() if n is not None and n < _MOST}
    free = max(known.values(), default=_NO_TRACK) + 1
    foreign = [text for text in numbers if text not in known]
    tracks = known | {text: free + i for i, text in enumerate(foreign)}
    return (
        np.array([tracks[text] for text in ids], dtype=np.int64),
        texts("" if text in known else text for text in ids),
    )


def plain_number(text: str) -> int | None:
    """The number that a text is, written without leading zeros; None of another text."""
    whole = text.isascii() and text.isdecimal() and len(text) < 20
    return int(text) if whole and str(int(text)) == text else None
