"""Why a box was proposed, in words that a person can check on the screen."""

import numpy as np

from lidar_label.arrays import Ints, Strings
from lidar_label.hypotheses import Hypotheses
from lidar_label.plausibility import Evidence, Segments

_FACES = ("seen from above or within", "one face seen", "two faces seen")
# Evidence beyond this is worth a word.
_WORDS: tuple[tuple[str, float, str], ...] = (
    ("ground around", 0.6, "open ground around"),
    ("hidden", 0.3, "partly hidden"),
    ("others around", 0.1, "close to other things"),
    ("seen through", 0.3, "rays pass through"),
    ("completed across", 0.3, "much of its width is assumed"),
    ("goes on above", 0.1, "something goes on above"),
    ("piece of more", 0.7, "may be a piece of something larger"),
)


def explain(
    hypotheses: Hypotheses,
    segments: Segments,
    evidence: Evidence,
    class_names: tuple[str, ...],
    rows: Ints,
) -> Strings:
    """One sentence for each of `rows`."""
    sentences = np.empty(len(rows), dtype=object)
    for i, row in enumerate(rows):
        name = class_names[hypotheses.kind[row]]
        shape = "L-shaped cluster" if hypotheses.faces[row] == 2 else "cluster"
        fit = hypotheses.fit[row]
        size = "fits" if fit > -2 else "roughly fits" if fit > -5 else "is unusual for"
        parts = [
            f"{shape} of {int(segments.points[hypotheses.node[row]])} points, "
            f"{_FACES[int(hypotheses.faces[row])]}",
            f"size {size} {name}",
            "stands on the ground",
        ]
        completed = float(hypotheses.behind[row] + hypotheses.across[row])
        if completed > 0.25:
            parts.append("unseen part completed to the usual size")
        for key, limit, words in _WORDS:
            if evidence.values[row, evidence.names.index(key)] > limit:
                parts.append(words)
        sentences[i] = "; ".join(parts)
    return sentences
