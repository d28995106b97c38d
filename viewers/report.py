"""One self-contained HTML page about a recording's labels, and its pictures as PNG beside it."""

import base64
import io
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lidar_label.annotation import Annotation
from lidar_label.arrays import Ints, Mask
from lidar_label.cuboids import Cuboids
from lidar_label.datasets.recording import Recording
from lidar_label.evaluation import (
    NOT_COUNTED,
    WRONG,
    Comparison,
    Evaluation,
    EvaluationConfig,
    compare,
    evaluate,
)
from lidar_label.in_recording import outside_image
from lidar_label.ontology import Ontology, road_ontology
from lidar_label.viewers import report_charts
from lidar_label.viewers.report_page import figure, template_text, write_page
from lidar_label.viewers.scenes import (
    Scene,
    on_frames,
    paint_above,
    paint_cameras,
    paint_crop,
    read_scene,
)


@dataclass(frozen=True)
class ReportConfig:
    """How much the page shows.

    Attributes:
        pictures: Frames with pictures.
        crops: Doubtful objects with a small picture.
        rows: Doubtful objects listed.
        tracks: Rows of the timeline.
        width: Pixels of the large pictures.
    """

    pictures: int = 8
    crops: int = 24
    rows: int = 120
    tracks: int = 60
    width: int = 1500


@dataclass(frozen=True)
class Doubt:
    """One object to look at: a track at its least certain frame, or a proposal by itself.

    Attributes:
        row: Of the labels.
        frames: How many frames show the object.
        first: Its first frame.
        last: Its last.
        score: Mean over its frames.
    """

    row: int
    frames: int
    first: int
    last: int
    score: float


def write_report(
    recording: Recording,
    labels: Cuboids,
    directory: str | Path,
    *,
    truth: Cuboids | None = None,
    truth_camera: str | None = None,
    evaluation_config: EvaluationConfig | None = None,
    annotation: Annotation | None = None,
    ontology: Ontology | None = None,
    config: ReportConfig = ReportConfig(),
    title: str | None = None,
) -> Path:
    """Write `report.html` and the pictures in it as PNG files.

    Args:
        recording: What was labelled.
        labels: The cuboids.
        directory: Made where absent; files of an earlier report are replaced.
        truth: What the labels should be, for the evaluation and the pictures.
        truth_camera: The truth ends at this camera's image (KITTI, View of Delft): labels outside
            it are not judged.
        evaluation_config: What counts in it; the defaults when None.
        annotation: Of the run that made the labels: time taken, configuration, notes.
        ontology: Classes' colours; the package's road ontology when None.
        config: How much to show.
        title: Of the page; the recording's file when None.

    Returns:
        The path of the page.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("frame_*.png"):
        old.unlink()
    ontology = ontology or road_ontology()
    comparison = evaluation = None
    if truth is not None:
        rules = evaluation_config or EvaluationConfig(ontology=ontology)
        truth = on_frames(truth, recording, rules)
        unlabelled = outside_image(labels, recording, truth_camera) if truth_camera else None
        comparison = compare(labels, truth, rules, unlabelled=unlabelled)
        evaluation = evaluate(labels, truth, rules, unlabelled=unlabelled)
    verdict = _verdict(comparison, len(labels))
    painted: list[dict[str, Any]] = []
    for frame, why in choose_frames(recording.frame_count, labels, comparison, config.pictures):
        scene = read_scene(recording, frame, labels, truth, verdict, comparison, ontology)
        painted.append(_paint(recording, scene, why, directory, config))
    doubts = rank_doubts(labels)
    return write_page(
        directory / "report.html",
        "report.html",
        title=title or recording.path.stem,
        recording=_facts(recording),
        cards=_summary(recording, labels, evaluation, annotation),
        frames=painted,
        charts=report_charts.draw(
            labels,
            recording.frame_count,
            verdict,
            comparison,
            annotation,
            ontology,
            config.tracks,
        ),
        doubts=_doubt_rows(recording, labels, doubts, verdict, ontology, config),
        doubts_in_all=len(doubts),
        evaluation=evaluation,
        classes=[
            {"name": one.name, "colour": one.colour}
            for one in ontology.classes
            if one.name in set(map(ontology.canonical, set(labels.category.tolist())))
        ],
        notes=annotation.notes if annotation else (),
        settings=json.dumps(annotation.provenance, indent=2) if annotation else "",
        script=template_text("report.js"),
    )


def _verdict(comparison: Comparison | None, count: int) -> Ints:
    """(N,) row of each label's truth at BEV IoU 0.5; −1 wrong, −2 not judged."""
    if comparison is None or len(comparison.labels) != count:  # frames may be left out
        return np.full(count, NOT_COUNTED, dtype=np.int64)
    return comparison.match("bev", 0.5)


def choose_frames(
    count: int, labels: Cuboids, comparison: Comparison | None, wanted: int
) -> list[tuple[int, str]]:
    """Frames worth a picture with the reason why, in order: evenly spread ones and the worst."""
    if count <= wanted:
        return [(frame, "") for frame in range(count)]
    badness = np.zeros(count)
    inside = (labels.frame >= 0) & (labels.frame < count)
    if comparison is not None:
        reason = "most mistakes"
        match = comparison.match("bev", 0.5)
        missed = ~comparison.ignored
        missed[match[match >= 0]] = False
        wrong = comparison.labels.frame[match == WRONG]
        for frames in (comparison.truth.frame[missed], wrong):
            np.add.at(badness, frames[(frames >= 0) & (frames < count)], 1)
    else:
        reason = "most doubt"
        doubt = 1 - np.nan_to_num(labels.score.astype(np.float64), nan=1.0)
        np.add.at(badness, labels.frame[inside], doubt[inside])
    spread = np.linspace(0, count - 1, max(1, wanted - wanted // 3)).round().astype(int).tolist()
    chosen = dict.fromkeys(spread, "")
    for frame in np.argsort(-badness, kind="stable").tolist():
        if len(chosen) >= wanted:
            break
        # Neighbours look alike: the worst frames are to be some way apart.
        if badness[frame] > 0 and all(abs(frame - other) > count // 50 for other in chosen):
            chosen[frame] = reason
    return sorted(chosen.items())


def rank_doubts(labels: Cuboids) -> list[Doubt]:
    """Objects by rising score: what a person should look at first. A track is one object."""
    score = np.nan_to_num(labels.score.astype(np.float64), nan=1.0)
    alone = labels.track_id < 0
    key = np.where(alone, -1 - np.arange(len(labels)), labels.track_id)
    order = np.lexsort((score, key))
    _, starts = np.unique(key[order], return_index=True)
    found: list[Doubt] = []
    for rows in np.split(order, starts[1:]) if len(order) else []:
        frames = labels.frame[rows]
        found.append(
            Doubt(
                row=int(rows[0]),
                frames=len(rows),
                first=int(frames.min()),
                last=int(frames.max()),
                score=float(score[rows].mean()),
            )
        )
    return sorted(found, key=lambda doubt: (doubt.score, doubt.row))


def _facts(recording: Recording) -> list[tuple[str, str]]:
    frames = recording.frames
    seconds = (frames[-1].time_ns - frames[0].time_ns) / 1e9 if len(frames) > 1 else 0.0
    trajectory = recording.trajectory
    return [
        ("file", recording.path.name),
        ("source", recording.source),
        ("frames", f"{len(frames):,} over {seconds:,.1f} s"),
        ("LiDARs", ", ".join(recording.lidars) or "none"),
        ("radars", ", ".join(recording.radars) or "none"),
        ("cameras", ", ".join(recording.cameras) or "none"),
        ("ego poses", f"{trajectory.length:,.0f} m driven" if trajectory else "none"),
        ("content hash", recording.content_hash),
    ]


def _summary(
    recording: Recording,
    labels: Cuboids,
    evaluation: Evaluation | None,
    annotation: Annotation | None,
) -> list[dict[str, str]]:
    tracks = len(np.unique(labels.track_id[labels.track_id >= 0]))
    cards = [
        {"value": f"{recording.frame_count:,}", "name": "frames", "note": ""},
        {
            "value": f"{len(labels):,}",
            "name": "cuboids",
            "note": f"{len(labels) / max(recording.frame_count, 1):.1f} a frame",
        },
        {"value": f"{tracks:,}", "name": "tracks", "note": ""},
    ]
    if annotation is not None and np.isfinite(annotation.frame_seconds).any():
        typical = float(np.nanmedian(annotation.frame_seconds)) * 1e3
        cards.append({"value": f"{typical:.0f} ms", "name": "a frame", "note": "read and propose"})
    if evaluation is not None:
        for iou in evaluation.config.iou[:2]:
            row = evaluation.find(iou)
            cards.append(
                {
                    "value": figure(row.recall),
                    "name": f"recall at {iou:g}",
                    "note": f"precision {figure(row.precision)}, BEV",
                }
            )
    return cards


def _paint(
    recording: Recording, scene: Scene, why: str, directory: Path, config: ReportConfig
) -> dict[str, Any]:
    name = f"frame_{scene.frame:06d}"
    above = paint_above(scene, config.width)
    above.save(directory / f"{name}_above.png")
    cameras: list[dict[str, str]] = []
    for camera, picture in paint_cameras(recording, scene):
        picture.save(directory / f"{name}_{camera}.png")
        cameras.append({"name": camera, "image": embedded(picture)})
    counts = Counter(scene.labels.category.tolist())
    return {
        "index": scene.frame,
        "why": why,
        "seconds": (scene.time_ns - recording.frames[0].time_ns) / 1e9,
        "above": embedded(above),
        "cameras": cameras,
        "points": len(scene.points),
        "counts": ", ".join(f"{n} {kind or 'unnamed'}" for kind, n in counts.most_common()),
        "missed": int(scene.missed.sum()),
        "truth": None if scene.truth is None else len(scene.truth),
    }


def embedded(picture: Image.Image) -> str:
    """The picture as a data URL."""
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=86, method=2)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def _doubt_rows(
    recording: Recording,
    labels: Cuboids,
    doubts: list[Doubt],
    verdict: Ints,
    ontology: Ontology,
    config: ReportConfig,
) -> list[dict[str, Any]]:
    shown = doubts[: config.rows]
    crops = _crops(recording, labels, shown[: config.crops], ontology)
    judged: Mask = verdict > NOT_COUNTED
    rows: list[dict[str, Any]] = []
    for doubt in shown:
        i = doubt.row
        known = ontology.find(labels.category[i])
        x, y = labels.boxes[i, :2].tolist()
        rows.append(
            {
                "crop": crops.get(i),
                "category": labels.category[i] or "unnamed",
                "colour": known.colour if known else "#9ca3af",
                "track": int(labels.track_id[i]),
                "frame": int(labels.frame[i]),
                "frames": doubt.frames,
                "span": f"{doubt.first}–{doubt.last}" if doubt.frames > 1 else str(doubt.first),
                "score": doubt.score,
                "points": int(labels.num_points[i]),
                "distance": float(np.hypot(x, y)),
                "size": " × ".join(f"{v:.1f}" for v in labels.boxes[i, 3:6].tolist()),
                "reason": labels.reason[i],
                "right": bool(verdict[i] >= 0) if judged[i] else None,
            }
        )
    return rows


def _crops(
    recording: Recording, labels: Cuboids, doubts: list[Doubt], ontology: Ontology
) -> dict[int, str]:
    """Small pictures by row; each frame is read once."""
    by_frame: dict[int, list[int]] = {}
    for doubt in doubts:
        by_frame.setdefault(int(labels.frame[doubt.row]), []).append(doubt.row)
    found: dict[int, str] = {}
    for frame, rows in by_frame.items():
        if 0 <= frame < recording.frame_count:
            scene = read_scene(recording, frame, labels, None, None, None, ontology)
            for row in rows:
                found[row] = embedded(paint_crop(scene, labels.boxes[row]))
    return found
