"""The main job: a recording in, cuboids with tracks and reasons out; stopped and resumed."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from lidar_label import __version__
from lidar_label.arrays import Floats
from lidar_label.cuboids import Cuboids
from lidar_label.datasets.recording import Recording
from lidar_label.detections import Detector, load_detector
from lidar_label.doppler_hints import hint_by_doppler
from lidar_label.errors import InvalidLabels
from lidar_label.frame_pool import map_frames
from lidar_label.kernels.packed_points import PackedPoints
from lidar_label.label_matching import measure_overlaps
from lidar_label.neighbouring_frames import NeighbourConfig, judged, with_weak_ones
from lidar_label.ontology import load_ontology, road_ontology
from lidar_label.proposals import ProposalConfig, propose_above
from lidar_label.radar_points import radar_points
from lidar_label.radar_proposals import propose_radar
from lidar_label.refinement import RefinementConfig, track_offline
from lidar_label.scoring import load_scorer, usual_scorer
from lidar_label.settings import read_settings_file, settings
from lidar_label.track_surroundings import Surroundings, heights_above_ground, packed
from lidar_label.tracker_config import LABEL_CONFIG
from lidar_label.tracking import TrackerConfig, track
from lidar_label.work_folder import WorkFolder

_COVERED = 0.1  # BEV IoU
_EAGER = 0.25  # tracks begin on less where a person looks at them
_NOT_YET_JUDGED = 0.2  # score of a track from which `judged` looks at it
Progress: TypeAlias = Callable[[str, int, int], None]  # stage, done, total
_Found: TypeAlias = tuple[Cuboids, PackedPoints | None]  # and what stands, if it is known


@dataclass(frozen=True)
class AnnotationConfig:
    """What the job does.

    Attributes:
        deskew: Undo the ego motion within a sweep before proposing.
        radar: Turn boxes to where the Doppler in them goes, and propose by radar alone in frames
            that no LiDAR saw.
        proposals: How boxes are found in a frame.
        detector: Name of a plugged-in detector that finds the boxes instead; see docs/detectors.md.
        detector_options: For its factory.
        track: Link proposals over frames into tracks.
        tracking: How.
        refine: Tracks with all frames known, for labels; False: as a preview would show them.
        refinement: How.
        neighbours: What frames say of each other's proposals, where tracks are refined; boxes
            that a detector found are not judged.
    """

    deskew: bool = True
    radar: bool = True
    proposals: ProposalConfig = field(default_factory=ProposalConfig)
    detector: str | None = None
    detector_options: dict[str, Any] = field(default_factory=dict[str, Any])
    track: bool = True
    tracking: TrackerConfig = LABEL_CONFIG
    refine: bool = True
    refinement: RefinementConfig = field(
        default_factory=lambda: RefinementConfig(birth_factor=_EAGER)
    )
    neighbours: NeighbourConfig = field(default_factory=NeighbourConfig)


@dataclass(frozen=True)
class Annotation:
    """What came out.

    Attributes:
        cuboids: Of all frames, in order of frames.
        provenance: Recording, configuration and version; written into the label file.
        frames: Frames of the recording.
        frames_resumed: Of these, done by an earlier run.
        frame_seconds: (frames,) time to read and propose, NaN where resumed.
        track_seconds: Time to track.
        notes: What a person should know, a line each.
    """

    cuboids: Cuboids
    provenance: dict[str, Any]
    frames: int
    frames_resumed: int
    frame_seconds: Floats
    track_seconds: float
    notes: tuple[str, ...]


def load_annotation_config(path: str | Path) -> AnnotationConfig:
    """Read the settings of the job.

    `proposals.ontology` and `proposals.scorer` are paths of an ontology and of a learned scorer.

    Raises:
        InvalidConfig: naming file, key and the nearest known key, or key and value.
    """
    values = read_settings_file(path)
    proposals = values.get("proposals")
    if isinstance(proposals, dict):
        read = {"ontology": load_ontology, "scorer": load_scorer}
        named = {key: name for key in read if isinstance(name := proposals.get(key), str)}
        loaded = {key: read[key](Path(path).parent / name) for key, name in named.items()}
        values["proposals"] = {**proposals, **loaded}
    return settings(AnnotationConfig, values, str(path))


def describe_config(config: AnnotationConfig) -> dict[str, Any]:
    """The settings as they stand in a label file: equal for equal results."""
    scorer = config.proposals.scorer or usual_scorer()
    bare = replace(config.proposals, scorer=None)
    described = asdict(
        replace(config, proposals=bare, tracking=replace(config.tracking, ontology=None))
    )
    described["proposals"]["scorer"] = scorer.version
    del described["tracking"]["ontology"]  # the proposals' ontology holds
    ontology = config.proposals.ontology or road_ontology()
    text = json.dumps(asdict(ontology), sort_keys=True)
    described["proposals"]["ontology"] = {
        "name": ontology.name,
        "version": ontology.version,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
    }
    if not config.track:
        del described["tracking"]
    if not _refines(config):
        del described["refinement"], described["neighbours"]
    if config.detector is None:
        del described["detector"], described["detector_options"]
    return json.loads(json.dumps(described))  # tuples become lists, as they come back from a file


def provenance_of(
    recording: Recording, config: AnnotationConfig, detections: Sequence[Cuboids] | None = None
) -> dict[str, Any]:
    """Where labels come from: equal for equal results, without paths or times."""
    described = describe_config(config)
    if detections is not None:
        described["detections"] = _digest(detections)
    return {
        "made_by": "lidar-label annotate",
        "version": __version__,
        "recording": recording.content_hash,
        "config": described,
    }


def annotate(
    recording: Recording | str | Path,
    config: AnnotationConfig = AnnotationConfig(),
    *,
    work: Path | None = None,
    workers: int = 1,
    progress: Progress | None = None,
    detections: Sequence[Cuboids] | None = None,
) -> Annotation:
    """Propose cuboids in every frame and link them into tracks.

    Args:
        recording: The recording or its path.
        config: What to do.
        work: Folder in which finished frames are kept and from which an interrupted job goes on;
            None keeps nothing. It stays after the job: delete it when the result is safe.
        workers: Processes that propose; frames do not depend on each other.
        progress: Called with stage, frames done and frames in all.
        detections: Boxes of every frame that another found; then none are proposed.
    """
    if not isinstance(recording, Recording):
        with Recording(recording) as opened:
            return annotate(
                opened,
                config,
                work=work,
                workers=workers,
                progress=progress,
                detections=detections,
            )
    provenance = provenance_of(recording, config, detections)
    tell = progress or _say_nothing
    judging = _refines(config) and config.detector is None and detections is None
    asked, config = config, _with_weak_ones(config) if judging else config
    count = recording.frame_count
    found: dict[int, Cuboids] = {}
    seconds = np.full(count, np.nan)
    with (
        WorkFolder(work, provenance) if work else nullcontext() as folder,
        _surroundings(recording, config) as surroundings,
    ):
        if folder:
            loaded = ((frame, folder.load(frame)) for frame in range(count))
            found = {frame: cuboids for frame, cuboids in loaded if cuboids is not None}
        resumed = len(found)
        tell("propose", resumed, count)
        todo = [frame for frame in range(count) if frame not in found]
        finds = _find_all(recording, todo, config, workers, detections)
        for frame, (cuboids, above), taken in finds:
            if surroundings and above:
                surroundings.keep(frame, above)
            if folder:
                folder.save(frame, cuboids)
            found[frame], seconds[frame] = cuboids, taken
            tell("propose", len(found), count)
        start = time.perf_counter()
        notes: list[str] = []
        frames = [found[frame] for frame in range(count)]
        labels = Cuboids.concatenate(frames)
        if config.track and len(labels):
            tell("track", 0, count)
            tracking = replace(config.tracking, ontology=config.proposals.ontology)
            poses = _poses(recording, notes)
            if config.refine:
                tracked = track_offline(
                    frames, poses, tracking, config.refinement, surroundings=surroundings
                )
            else:
                tracked = track(frames, poses, tracking)
            if judging:
                strong = labels.select(labels.score >= asked.proposals.min_score)
                labels = judged(
                    _with_untracked(tracked, strong),
                    poses,
                    config.neighbours,
                    reach=config.proposals.max_range,
                    ontology=config.proposals.ontology,
                )
            else:
                labels = _with_untracked(tracked, labels)
            tell("track", count, count)
    return Annotation(
        cuboids=labels,
        provenance=provenance,
        frames=count,
        frames_resumed=resumed,
        frame_seconds=seconds,
        track_seconds=time.perf_counter() - start,
        notes=tuple(notes),
    )


def _with_weak_ones(config: AnnotationConfig) -> AnnotationConfig:
    """The same, with more proposals and tracks, for the judgement to choose from."""
    min_score = min(config.refinement.min_score, _NOT_YET_JUDGED)
    return replace(
        config,
        proposals=with_weak_ones(config.proposals, config.neighbours),
        refinement=replace(config.refinement, min_score=min_score),
    )


def _say_nothing(_stage: str, _done: int, _total: int) -> None:
    """Progress for nobody."""


def propose_frame(recording: Recording, frame: int, config: AnnotationConfig) -> Cuboids:
    """The proposals of one frame, in its ego frame."""
    return survey_frame(recording, frame, config)[0]


def survey_frame(recording: Recording, frame: int, config: AnnotationConfig) -> _Found:
    """The proposals of one frame, in its ego frame, and the points that tracks are laid against."""
    cloud = recording.frame_points(frame, deskew=config.deskew)
    height = heights_above_ground(cloud.xyz)
    moment = recording.frames[frame]
    found = Cuboids.empty()
    if len(cloud.xyz):
        origin = _sensor_origin(recording, config.proposals)
        found = propose_above(cloud.xyz, height, origin, config.proposals)
    if config.radar and recording.radars:
        points = radar_points(recording, moment)
        if len(cloud.xyz):
            found = hint_by_doppler(found, points)
        else:
            found = propose_radar(points, config.proposals.ontology)
    found = found.replace(frame=frame, time_ns=moment.time_ns)
    above = packed(cloud, moment.time_ns, height) if _refines(config) else None
    return found, above


def _refines(config: AnnotationConfig) -> bool:
    """Whether there are tracks that all frames, and points where there are any, refine."""
    return config.track and config.refine


def _with_untracked(tracked: Cuboids, proposed: Cuboids) -> Cuboids:
    """Tracks, and the proposals that no track covers: what was seen once is for a person to judge.

    A proposal is covered where a track's box of its frame overlaps it by `_COVERED` or more.
    """
    pairs = measure_overlaps(
        proposed.boxes,
        tracked.boxes,
        proposed.frame.astype(np.int64),
        tracked.frame.astype(np.int64),
    )
    covered = np.zeros(len(proposed), dtype=np.bool_)
    covered[pairs.label[pairs.bev >= _COVERED]] = True
    both = Cuboids.concatenate((tracked, proposed.select(~covered)))
    return both.select(np.argsort(both.frame, kind="stable"))


def _surroundings(
    recording: Recording, config: AnnotationConfig
) -> AbstractContextManager[Surroundings | None]:
    """What tracks are laid against; None where they are not, or there is no LiDAR."""
    if not (_refines(config) and recording.lidars):
        return nullcontext()

    def read(frame: int) -> PackedPoints:
        cloud = recording.frame_points(frame, deskew=config.deskew)
        return packed(cloud, recording.frames[frame].time_ns, heights_above_ground(cloud.xyz))

    return Surroundings(read, np.array(_sensor_origin(recording, config.proposals)[:2]))


def _sensor_origin(recording: Recording, config: ProposalConfig) -> tuple[float, float, float]:
    """Where the sensors sit on the ego: as set, or their mean place."""
    if config.sensor_origin is not None:
        return config.sensor_origin
    places = [recording.rig[name].ego_from_sensor[:3, 3] for name in recording.lidars]
    x, y, z = np.mean(places, axis=0).tolist()
    return x, y, z


def _find_all(
    recording: Recording,
    frames: list[int],
    config: AnnotationConfig,
    workers: int,
    detections: Sequence[Cuboids] | None,
) -> Iterator[tuple[int, _Found, float]]:
    if detections is not None:
        if len(detections) != recording.frame_count:
            raise InvalidLabels(
                f"{len(detections)} entries of detections for {recording.frame_count} frames"
            )
        for frame in frames:
            moment = recording.frames[frame].time_ns
            yield frame, (detections[frame].replace(frame=frame, time_ns=moment), None), 0.0
    elif config.detector is not None:
        detect = load_detector(config.detector, **config.detector_options)
        for frame in frames:
            start = time.perf_counter()
            found = detect_frame(recording, frame, detect, config)
            yield frame, (found, None), time.perf_counter() - start
    else:
        yield from _propose_all(recording, frames, config, workers)


def detect_frame(
    recording: Recording, frame: int, detect: Detector, config: AnnotationConfig
) -> Cuboids:
    """A plugged-in detector's boxes of one frame, in its ego frame."""
    cloud = recording.frame_points(frame, deskew=config.deskew)
    points = np.column_stack((cloud.xyz, np.nan_to_num(cloud.intensity))).astype(np.float32)
    return detect(points).replace(frame=frame, time_ns=recording.frames[frame].time_ns)


def _digest(detections: Sequence[Cuboids]) -> str:
    """Of what the boxes say, so that a run goes on only with the same ones."""
    every = Cuboids.concatenate(detections)
    parts = (every.frame, every.boxes, every.score)
    text = "\n".join(every.category.tolist()).encode()
    return hashlib.sha256(b"".join(part.tobytes() for part in parts) + text).hexdigest()


def _propose_all(
    recording: Recording, frames: list[int], config: AnnotationConfig, workers: int
) -> Iterator[tuple[int, _Found, float]]:
    alone = frames if workers <= 1 else frames[:1]  # the first compiles what is not yet compiled
    for frame in alone:
        yield frame, *_timed(recording, frame, config)
    if len(frames) > len(alone):
        yield from map_frames(_timed, recording.path, frames[1:], config, workers)


def _timed(recording: Recording, frame: int, config: AnnotationConfig) -> tuple[_Found, float]:
    start = time.perf_counter()
    return survey_frame(recording, frame, config), time.perf_counter() - start


def _poses(recording: Recording, notes: list[str]) -> Floats:
    """(F, 4, 4) world_from_ego of all frames."""
    times = np.array([frame.time_ns for frame in recording.frames], dtype=np.int64)
    poses, trajectory = recording.frame_poses(), recording.trajectory
    if poses is None or trajectory is None:
        notes.append("the recording has no ego poses: tracked as if the ego stood still")
        return np.tile(np.eye(4), (len(times), 1, 1))
    outside = int((~trajectory.covers(times)).sum())
    if outside:
        notes.append(f"{outside} frames lie outside the ego poses' time: the nearest pose is used")
    return poses
