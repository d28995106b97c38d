"""What a benchmark answers: rows of our figure beside a peer's, measured in one run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        name: What was measured, on what.
        ours: Our figure.
        peer_name: Who or what it is compared with; "" where there is no peer.
        peer: The peer's figure in the same run, None where it could not be measured.
        unit: Of both.
        ratio: How many times better we are; below 1 the peer is better.
        note: What a reader must know.
    """

    name: str
    ours: float
    peer_name: str
    peer: float | None
    unit: str
    ratio: float | None
    note: str = ""


def less_is_better(
    name: str, ours: float, peer_name: str, peer: float | None, unit: str, note: str = ""
) -> Row:
    """A row of times, sizes or errors."""
    return Row(name, ours, peer_name, peer, unit, peer / ours if peer and ours else None, note)


def more_is_better(
    name: str, ours: float, peer_name: str, peer: float | None, unit: str, note: str = ""
) -> Row:
    """A row of shares, rates or scores."""
    return Row(name, ours, peer_name, peer, unit, ours / peer if peer else None, note)
