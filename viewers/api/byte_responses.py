"""Bytes that never change, served well: validators, ranges, immutable caching, compression."""

import re
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from lidar_label.viewers.api.problems import problem_response

IMMUTABLE = "private, max-age=31536000, immutable"
_LOOPBACK = {"127.0.0.1", "::1"}
_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)
_LEAST_COMPRESSED = 4096  # bytes


def immutable_bytes(
    request: Request,
    key: str,
    make: Callable[[], bytes],
    media_type: str = "application/octet-stream",
    *,
    compressible: bool = True,
) -> Response:
    """Answer with content that its key determines, made only when the client does not have it.

    A sweep of 125 000 points takes 1.50 MB, by Zstandard 0.75 MB in 1.1 ms (gzip: 0.68 MB, 15 ms):
    worth it on any network, but not to the same machine, so there it is not done.

    Args:
        request: Its If-None-Match, Range, If-Range and Accept-Encoding are heeded.
        key: Names the content for ever; it becomes the ETag.
        make: Gives the content.
        media_type: Of the content.
        compressible: False for what is compressed already.
    """
    tag = f'"{key}"'
    packed_tag = f'"{key}-zstd"'
    headers = {"ETag": tag, "Cache-Control": IMMUTABLE, "Accept-Ranges": "bytes"}
    if compressible:
        headers["Vary"] = "Accept-Encoding"
    known = {
        each.strip().removeprefix("W/")
        for each in request.headers.get("if-none-match", "").split(",")
    }
    if known & {tag, packed_tag, "*"}:
        return Response(status_code=304, headers=headers)
    content = make()
    asked = request.headers.get("range")
    if asked is not None and request.headers.get("if-range", tag) == tag:
        part = _range(asked, len(content))
        if part == ():
            headers["Content-Range"] = f"bytes */{len(content)}"
            return problem_response(
                416, "That range is not in it", f"{asked} of {len(content)} bytes", headers=headers
            )
        if part:
            first, last = part
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
            return Response(content[first : last + 1], 206, headers, media_type)
    if compressible and len(content) >= _LEAST_COMPRESSED and _wants_zstd(request):
        import zstandard

        headers |= {"ETag": packed_tag, "Content-Encoding": "zstd"}
        content = zstandard.compress(content, 1)
    return Response(content, 200, headers, media_type)


def _wants_zstd(request: Request) -> bool:
    near = request.client is None or request.client.host in _LOOPBACK
    accepted = request.headers.get("accept-encoding", "")
    return not near and any(
        coding.split(";")[0].strip() == "zstd" and "q=0" not in coding.replace(" ", "").split(";")
        for coding in accepted.split(",")
    )


def _range(asked: str, size: int) -> tuple[int, int] | tuple[()] | None:
    """First and last byte; empty where no byte is in it; None where it is not one plain range."""
    match = _RANGE.fullmatch(asked.strip())
    if match is None or match.groups() == ("", ""):
        return None  # RFC 9110 14.2: what is not understood is ignored
    first, last = match.groups()
    if not first:
        first, last = str(max(size - int(last), 0)), ""
    begin, end = int(first), min(int(last or size), size - 1)
    if last and int(last) < int(first):
        return None
    return (begin, end) if begin <= end else ()
