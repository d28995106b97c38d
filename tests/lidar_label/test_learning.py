import dataclasses

import numpy as np
import pytest

from lidar_label.errors import InvalidConfig, InvalidLabels
from lidar_label.learning import learn, learn_sizes, outcome
from lidar_label.lessons import CorrectedFrame, read_lesson, read_proposed
from lidar_label.ontology import road_ontology
from lidar_label.proposals import ProposalConfig, propose
from lidar_label.scorer_fitting import Growth, calibrated, fit_scorer, mixed
from lidar_label.scoring import TRUST, Scorer, click_scorer, load_scorer, usual_scorer

from .scanned_scene import scan, standing


def frame(seed):
    """A yard of crates and walls; what people labelled are the vehicles of an unusual size."""
    rng = np.random.default_rng(seed)
    spots = [(x, y) for x in (-16, -6, 6, 16) for y in (-14, -5, 5, 14)]
    rng.shuffle(spots)
    size = np.array([3.0, 1.5, 1.5])
    wanted = [
        standing(x, y, *size, yaw)
        for (x, y), yaw in zip(spots[:6], rng.normal(0, 1, 6), strict=True)
    ]
    rest = [standing(x, y, *rng.uniform((0.5, 0.3, 0.7), (6, 0.6, 3))) for x, y in spots[6:]]
    points = scan([*wanted, *rest], columns=540, seed=seed)
    return CorrectedFrame(points, np.array(wanted), np.full(len(wanted), "car", object))


@pytest.fixture(scope="module")
def frames():
    return [frame(seed) for seed in range(12)]


def test_what_is_learned_does_no_worse_on_frames_held_back(frames):
    config = ProposalConfig()
    learned = learn(frames, config)
    held = frames[1::4]
    assert outcome(held, config) == learned.before
    assert outcome(held, learned.config) == learned.after
    assert learned.after.average_precision > learned.before.average_precision
    assert learned.scorer_adopted
    assert learned.sizes_adopted
    assert "adopted" in learned.reason
    car = learned.ontology.find("car")
    assert car is not None
    usual = road_ontology().find("car").size_mean[0]
    assert 3.0 < car.size_mean[0] < usual
    assert learned.ontology.find("bus") == road_ontology().find("bus")


def test_what_does_worse_is_not_adopted(frames):
    """Labels of the pupils that contradict the judges' must not spoil the proposals."""
    wrong = [
        f if i % 4 == 1 else dataclasses.replace(f, boxes=np.add(f.boxes, [200, 0, 0, 0, 0, 0, 0]))
        for i, f in enumerate(frames)
    ]
    learned = learn(wrong, ProposalConfig())
    assert not learned.scorer_adopted
    assert learned.scorer is usual_scorer()
    assert learned.after.average_precision >= learned.before.average_precision


def test_a_scorer_survives_the_file_bit_for_bit(frames, tmp_path):
    scorer = fit_scorer(
        read_lesson(frames[:4], ProposalConfig()), origin="a yard", growth=Growth(trees=10)
    )
    file = tmp_path / "scorer.json"
    file.write_text(scorer.to_json())
    again = load_scorer(file)
    assert again.version == scorer.version != usual_scorer().version
    assert again.origin == "a yard"
    assert again.to_json() == scorer.to_json()
    config = ProposalConfig(scorer=again)
    assert propose(frames[5].points, config).equals(propose(frames[5].points, config))


def test_trees_are_not_asked_where_common_sense_sees_no_chance(frames):
    lesson = read_lesson(frames[:2], ProposalConfig())
    scorer = usual_scorer()
    full = scorer.score(lesson.values, lesson.first)
    some = scorer.score(lesson.values, lesson.first, hopeless=-3.0)
    asked = lesson.first >= -3.0
    assert 0 < asked.sum() < len(asked)
    np.testing.assert_array_equal(some[asked], full[asked])
    without = scorer.slope * (scorer.base + TRUST * lesson.first[~asked]) + scorer.offset
    np.testing.assert_allclose(some[~asked], 1 / (1 + np.exp(-without)))


def test_the_scorer_of_clicks_reads_the_same_evidence_and_prefers_the_closer_reading(frames):
    click = click_scorer()
    assert click.features == usual_scorer().features
    assert click.version != usual_scorer().version
    lesson = read_lesson(frames, ProposalConfig())
    on = lesson.quality > 0.1
    score = click.score(lesson.values[on], lesson.first[on])
    close = lesson.quality[on] > 0.6
    assert score[close].mean() > 2 * score[~close].mean()


def test_a_mixed_scorer_lies_between_the_two(frames):
    lesson = read_lesson(frames[:4], ProposalConfig())
    fresh = dataclasses.replace(fit_scorer(lesson, growth=Growth(trees=10)), slope=1.7, offset=-0.3)
    both = mixed(usual_scorer(), fresh, 0.25)
    both.check()
    a, b, c = (s.log_odds(lesson.values, lesson.first) for s in (usual_scorer(), fresh, both))
    np.testing.assert_allclose(c, 0.25 * a + 0.75 * b, atol=1e-4)


def test_calibration_makes_scores_come_true(frames):
    config = ProposalConfig()
    scorer = fit_scorer(read_lesson(frames[:6], config), growth=Growth(trees=30))
    lesson = read_proposed(frames[6:], dataclasses.replace(config, scorer=scorer))
    tuned = calibrated(scorer, lesson)
    kept = lesson.quality >= 0.5

    def surprise(s):
        score = np.clip(s.score(lesson.values, lesson.first), 1e-6, 1 - 1e-6)
        return -np.mean(np.log(np.where(kept, score, 1 - score)))

    assert surprise(tuned) <= surprise(scorer)
    assert tuned.score(lesson.values, lesson.first).mean() == pytest.approx(kept.mean(), abs=0.02)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"format": 99}',
        usual_scorer().to_json().replace('"roots":[0', '"roots":[-5'),
        usual_scorer().to_json()[:-30],
    ],
    ids=["empty", "no fields", "other format", "damaged trees", "cut off"],
)
def test_files_that_are_no_scorer_are_refused(text, tmp_path):
    file = tmp_path / "scorer.json"
    file.write_text(text)
    with pytest.raises(InvalidConfig, match=r"scorer\.json"):
        load_scorer(file)
    with pytest.raises(InvalidConfig, match="cannot be read"):
        load_scorer(tmp_path / "none.json")


def test_trees_that_never_end_are_refused():
    usual = usual_scorer()
    below = usual.below.copy()
    below[:] = 0
    with pytest.raises(InvalidConfig, match="damaged"):
        Scorer.from_json(dataclasses.replace(usual, below=below).to_json())


def test_a_scorer_of_other_evidence_is_refused(frames):
    other = dataclasses.replace(usual_scorer(), features=("weight", *usual_scorer().features[1:]))
    with pytest.raises(InvalidConfig, match="other evidence"):
        propose(frames[0].points, ProposalConfig(scorer=other))


def test_too_little_to_learn_from_is_said(frames):
    with pytest.raises(InvalidLabels, match="two or more"):
        learn(frames[:1], ProposalConfig())
    empty = CorrectedFrame(np.zeros((0, 3), np.float32), np.zeros((0, 7)), np.zeros(0, object))
    learned = learn([empty, empty], ProposalConfig())
    assert not learned.scorer_adopted
    assert "too few to judge" in learned.reason
    assert learn_sizes([empty], road_ontology()) == road_ontology()
    with pytest.raises(InvalidLabels, match="one sort"):
        fit_scorer(read_lesson([empty], ProposalConfig()))
