"""What the simulated person at the signals page sees, and what they set right next."""

import numpy as np

from lidar_label.benchmarks.signals_eyes import Eyes, longest_windows, next_fix
from lidar_label.benchmarks.signals_tagger import named_times
from lidar_label.datasets.windows import UNKNOWN, Windows

S = 1_000_000_000
TRUTH = Windows.of(
    np.array([0, 10, 14]) * S,
    np.array([10, 14, 30]) * S,
    category=np.array(["sitting", "rising", "walking"], dtype=object),
)


def eyes(*shown: tuple[float, float, str, str]) -> Eyes:
    """Of windows: seconds from and to, class, state."""
    rows = [
        {"window_id": i, "start_ns": str(round(a * S)), "end_ns": str(round(b * S)),
         "category": name, "state": state, "score": 0.7}
        for i, (a, b, name, state) in enumerate(shown)
    ]  # fmt: skip
    return Eyes(lambda: rows, 0, TRUTH, *named_times(TRUTH))


def fix_of(*shown: tuple[float, float, str, str]) -> tuple[str, str, tuple[float, float]]:
    own = eyes(*shown)
    fix = next_fix(own, own.windows())
    assert fix is not None
    return fix.how, fix.category, fix.at


def test_a_moment_of_two_classes_is_wrong():
    own = eyes((0, 10, "sitting", "accepted"), (5, 14, "rising", "accepted"), (14, 30, UNKNOWN, "proposed"))  # fmt: skip # noqa: E501
    assert own.right(own.windows()) == (50 + 40) / 300
    assert own.right(own.proposed()) == 0


def test_the_least_work_on_the_window_of_which_most_is_wrong():
    rest = (0, 14, "sitting", "proposed")
    assert fix_of(rest, (14.2, 30, "sitting", "proposed")) == ("tag", "walking", (14.2, 30))
    assert fix_of(rest, (22, 30, "walking", "proposed")) == ("move", "walking", (22, 14))
    assert fix_of(rest, (18, 24, "walking", "proposed")) == ("draw", "walking", (14, 30))
    inside = ((14, 30, "walking", "accepted"), (18, 28, "sitting", "accepted"))
    assert fix_of((0, 10, "sitting", "accepted"), *inside) == ("drop", "walking", (18, 28))


def test_what_was_tried_is_not_tried_again():
    own = eyes()
    tried = []
    while (fix := next_fix(own, own.windows(), tried)) is not None:
        tried.append(fix)
    assert [fix.category for fix in tried] == ["walking", "sitting", "rising"]


def test_the_truth_of_a_span_is_its_commonest_class():
    assert eyes().truth_in((1, 9)) == ("sitting", True)
    assert eyes().truth_in((6, 13)) == ("sitting", False)
    assert eyes().truth_in((40, 50)) == (UNKNOWN, True)


def test_by_hand_the_fewest_windows_are_drawn():
    assert longest_windows(TRUTH, 0.8) == [0, 2]
    assert longest_windows(TRUTH, 1.0) == [0, 1, 2]
