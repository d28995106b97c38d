"""What a film or sound is, told by its first bytes."""

from dataclasses import dataclass
from pathlib import Path

from lidar_label.errors import UsageError

_HEAD = 64


@dataclass(frozen=True)
class MediaKind:
    """Of a file.

    Attributes:
        kind: `video` or `audio`.
        media_type: As `video/mp4`.
        suffix: As `.mp4`.
    """

    kind: str
    media_type: str
    suffix: str


_WAV = MediaKind("audio", "audio/wav", ".wav")
_MP4 = MediaKind("video", "video/mp4", ".mp4")
_WEBM = MediaKind("video", "video/webm", ".webm")


def media_kind(path: Path, name: str) -> MediaKind:
    """What a browser can play: MP4, WebM, WAV.

    Raises:
        UsageError: naming the file and the remedy, if it is none of them.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise UsageError(f"{name}: cannot be read ({error.strerror}); give another") from error
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return _WAV
    if head[4:8] == b"ftyp":
        return _MP4
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return _WEBM
    raise UsageError(f"{name}: neither MP4, WebM nor WAV; convert it, with ffmpeg for example")
