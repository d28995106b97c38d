"""What frames say of each other's proposals: confirmed ones rise, unconfirmed ones fall."""

from pathlib import Path

import numpy as np
import pytest

from lidar_label.annotation import AnnotationConfig, annotate
from lidar_label.calibration.transforms import from_yaw, invert
from lidar_label.cuboids import Cuboids
from lidar_label.errors import InvalidConfig
from lidar_label.neighbouring_frames import NeighbourConfig, judged, with_weak_ones
from lidar_label.proposals import ProposalConfig
from lidar_label.track_stream import move_boxes

FRAMES = 60
REACH = 60.0


def ego() -> np.ndarray:
    way = np.zeros((FRAMES, 3))
    way[:, 0] = 0.5 * np.arange(FRAMES)
    return from_yaw(way, np.zeros(FRAMES))


def one(name: int, category: str, score: float, start: tuple[float, float], speed: float = 0.0,
        seen: int = FRAMES) -> Cuboids:  # fmt: skip
    """A track over all frames, proposed in the first `seen` of them."""
    boxes = np.tile([0.0, 0, 0.9, 0.8, 0.7, 1.8, 0], (FRAMES, 1))
    boxes[:, 0] = start[0] + 0.1 * speed * np.arange(FRAMES)
    boxes[:, 1] = start[1]
    frame = np.arange(FRAMES)
    return Cuboids.of(
        move_boxes(invert(ego()), boxes),
        frame=frame,
        track_id=name,
        category=category,
        score=score,
        num_points=np.where(frame < seen, 20, -1),
    )


def score_of(labels: Cuboids, name: int) -> float:
    own = labels.score[labels.track_id == name]
    assert (own == own[0]).all()
    return float(own[0])


EVERY = NeighbourConfig(min_track_score=0.0)


def test_what_frames_confirm_rises_and_what_they_do_not_confirm_falls() -> None:
    labels = Cuboids.concatenate(
        [
            one(0, "pedestrian", 0.4, (10.0, 5.0), speed=1.3),
            one(1, "pedestrian", 0.4, (10.0, -5.0), seen=10),
            one(2, "car", 0.55, (15.0, -8.0)),
            one(3, "car", 0.55, (15.0, 8.0), seen=6),
        ]
    )
    all_of_them = judged(labels, ego(), EVERY, reach=REACH)
    assert score_of(all_of_them, 0) > 0.6 > 0.4 > score_of(all_of_them, 1)
    assert score_of(all_of_them, 2) > 0.6 > 0.55 > score_of(all_of_them, 3)
    assert set(judged(labels, ego(), reach=REACH).track_id) == {0, 2}


def test_going_somewhere_speaks_for_a_track_and_the_ego_going_does_not() -> None:
    both = Cuboids.concatenate(
        [one(0, "pedestrian", 0.4, (10.0, 5.0), speed=1.3), one(1, "pedestrian", 0.4, (10.0, -5.0))]
    )
    scored = judged(both, ego(), EVERY, reach=REACH)
    assert score_of(scored, 0) > score_of(scored, 1) + 0.1
    standing = both.select(both.track_id == 1)
    parked = judged(standing.replace(boxes=standing.boxes[:1].repeat(FRAMES, 0)),
                    np.repeat(np.eye(4)[None], FRAMES, 0), EVERY, reach=REACH)  # fmt: skip
    assert score_of(scored, 1) == pytest.approx(score_of(parked, 1), abs=1e-6)


def test_frames_in_which_it_was_beyond_reach_do_not_speak_against_it() -> None:
    car = one(0, "car", 0.6, (80.0, 0.0))  # the ego comes near: 80 m to 50.5 m
    near = np.hypot(car.boxes[:, 0], car.boxes[:, 1]) < REACH
    car = car.replace(num_points=np.where(near, 20, -1))
    assert 0 < near.sum() < FRAMES / 2
    far_ones_count = score_of(judged(car, ego(), EVERY, reach=200.0), 0)
    assert score_of(judged(car, ego(), EVERY, reach=REACH), 0) > far_ones_count + 0.1


def test_the_order_of_rows_does_not_matter_and_untracked_boxes_stay() -> None:
    labels = Cuboids.concatenate(
        [
            one(0, "pedestrian", 0.4, (10.0, 5.0), speed=1.3),
            one(1, "car", 0.3, (20.0, 5.0), seen=4),
            one(-1, "car", 0.31, (30.0, 9.0)),
        ]
    )
    mixed = np.random.default_rng(0).permutation(len(labels))
    straight = judged(labels, ego(), reach=REACH)
    shuffled = judged(labels.select(mixed), ego(), reach=REACH)
    assert score_of(straight, -1) == np.float32(0.31)
    assert set(straight.track_id) == {0, -1}
    assert score_of(shuffled, 0) == score_of(straight, 0)
    back = shuffled.select(np.lexsort((shuffled.frame, -shuffled.track_id)))
    assert back.equals(straight)


def test_nothing_to_judge() -> None:
    assert len(judged(Cuboids.empty(), ego(), reach=REACH)) == 0
    loose = one(-1, "car", 0.4, (10.0, 0.0))
    assert judged(loose, ego(), reach=REACH).equals(loose)


def test_an_unknown_class_is_judged_too() -> None:
    assert len(judged(one(0, "spaceship", 0.9, (9.0, 0.0), 3.0), ego(), reach=REACH)) == FRAMES


@pytest.mark.parametrize("field", ["weak_share", "min_track_score"])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_settings_out_of_range_are_refused(field: str, value: float) -> None:
    with pytest.raises(InvalidConfig, match=field):
        NeighbourConfig(**{field: value})


def test_weaker_boxes_are_proposed_for_tracks() -> None:
    assert with_weak_ones(ProposalConfig(min_score=0.4), EVERY).min_score == 0.2


def test_annotate_tracks_weak_boxes_and_shows_only_strong_ones_alone(drive: Path) -> None:
    picky = ProposalConfig(min_score=0.94)
    without = NeighbourConfig(weak_share=1.0, min_track_score=0.0)
    strong = annotate(drive, AnnotationConfig(proposals=picky, neighbours=without)).cuboids
    both = annotate(drive, AnnotationConfig(proposals=picky, neighbours=EVERY)).cuboids
    assert (both.score[both.track_id < 0] >= np.float32(0.94)).all()
    assert (both.track_id >= 0).sum() > (strong.track_id >= 0).sum()


def test_annotate_leaves_out_tracks_that_their_frames_do_not_confirm(drive: Path) -> None:
    every = annotate(drive, AnnotationConfig(neighbours=EVERY)).cuboids
    middle = float(np.median(every.score[every.track_id >= 0]))
    config = AnnotationConfig(neighbours=NeighbourConfig(min_track_score=middle))
    some = annotate(drive, config).cuboids
    assert (some.score[some.track_id >= 0] >= middle).all()
    assert 0 < len(np.unique(some.track_id)) < len(np.unique(every.track_id))
