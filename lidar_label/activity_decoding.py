"""The likeliest sequence of activities: a semi-Markov model over pieces between change points.

Every activity is a run of whole pieces; its duration is log-normal per class (Yu, Artificial
Intelligence 2010, for the model; the search is Viterbi's over segment ends).
"""

import numpy as np

from lidar_label.arrays import Floats, Ints
from lidar_label.kernels.jit import kernel

LONGEST_RUN = 300  # pieces in one activity; a longer one is two runs of its class


def decode(
    log_likelihood: Floats, duration_s: Floats, switch_cost: float, durations: Floats
) -> Ints:
    """Find the class of every piece.

    Args:
        log_likelihood: (P, K) log probability of each piece under each class, summed over it.
        duration_s: (P,) seconds of each piece.
        switch_cost: What one more activity costs, in nats.
        durations: (K, 2) mean and standard deviation of ln(seconds) of an activity of each class.

    Returns:
        (P,) int64, index of the class.
    """
    pieces, classes = log_likelihood.shape
    if pieces == 0 or classes == 0:
        return np.zeros(pieces, dtype=np.int64)
    return _viterbi(
        np.ascontiguousarray(log_likelihood),
        np.ascontiguousarray(duration_s, dtype=np.float64),
        float(switch_cost),
        np.ascontiguousarray(durations, dtype=np.float64),
    )


def learn_durations(labels: Ints, duration_s: Floats, classes: int) -> Floats:
    """(K, 2) mean and deviation of ln(seconds) of the runs of each class, drawn to all runs."""
    edges = np.flatnonzero(np.diff(labels)) + 1
    first = np.concatenate(([0], edges))
    seconds = np.add.reduceat(duration_s, first)
    of_class = labels[first]
    logs = np.log(np.maximum(seconds, 0.1))
    everywhere = (float(logs.mean()), max(float(logs.std()), 1.0))
    learned = np.empty((classes, 2))
    for k in range(classes):
        own = logs[of_class == k]
        share = len(own) / (len(own) + 3.0)
        mean = share * own.mean() + (1 - share) * everywhere[0] if len(own) else everywhere[0]
        spread = share * own.std() + (1 - share) * everywhere[1] if len(own) else everywhere[1]
        learned[k] = mean, max(spread, 0.7)
    return learned


@kernel
def _viterbi(
    log_likelihood: Floats, duration_s: Floats, switch_cost: float, durations: Floats
) -> Ints:
    pieces, classes = log_likelihood.shape
    best = np.full((pieces + 1, classes), -np.inf)  # a run of class k ends before this piece
    start_of = np.zeros((pieces + 1, classes), np.int64)
    before = np.zeros((pieces + 1, classes), np.int64)  # class of the run before it
    run = np.zeros(classes)
    for end in range(1, pieces + 1):
        run[:] = 0.0
        length = 0.0
        for start in range(end - 1, max(end - 1 - LONGEST_RUN, -1), -1):
            length += duration_s[start]
            log_length = np.log(max(length, 0.1))
            first = second = 0  # the likeliest class before the start, and the next likeliest
            if start > 0:
                first, second = _two_best(best[start])
            for k in range(classes):
                run[k] += log_likelihood[start, k]
                other = second if first == k and classes > 1 else first
                entry = best[start, other] if start > 0 else 0.0
                z = (log_length - durations[k, 0]) / durations[k, 1]
                score = entry + run[k] - switch_cost - 0.5 * z * z - np.log(durations[k, 1])
                if score > best[end, k]:
                    best[end, k] = score
                    start_of[end, k] = start
                    before[end, k] = other
    labels = np.zeros(pieces, np.int64)
    end = pieces
    k = int(np.argmax(best[pieces]))
    while end > 0:
        start = start_of[end, k]
        labels[start:end] = k
        k = before[end, k]
        end = start
    return labels


@kernel
def _two_best(scores: Floats) -> tuple[int, int]:
    first = 0
    for k in range(1, len(scores)):
        if scores[k] > scores[first]:
            first = k
    second = 1 if first == 0 and len(scores) > 1 else 0
    for k in range(len(scores)):
        if k != first and scores[k] > scores[second]:
            second = k
    return first, second
