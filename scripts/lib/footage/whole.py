"""Whether a file is a clip, and whole, by its bytes."""

from pathlib import Path

from scripts.lib.media import OPEN, MediaError, probe
from scripts.lib.problems import printable

TEXTS = {b"#extm3u": "playlist", b"<mpd": "playlist", b"ffconcat": "playlist", b"<html": "web page"}
"""What servers send in place of a clip, by what its first bytes hold, in small letters."""
CONTAINERS = ("mov", "matroska")
"""The demuxers of MP4 and WebM, which is what stock sites have; both know where their key frames lie."""
SLACK = 0.5
"""Seconds by which frames may be out of place, and with a twentieth of the length, a clip may end early: headers are
not always exact."""


def check(path: Path) -> None:
    """Look at a clip's beginning, middle and end. Raises MediaError, which says what the file is or has, for anything
    that is not a clip, or a part of one."""
    import av

    with path.open("rb") as file:
        head = file.read(1024).lower()
    for mark, kind in TEXTS.items():
        if mark in head:
            raise MediaError(f"is a {kind}, not a clip")
    media = probe(path)
    try:
        with av.open(str(path), options=OPEN, metadata_errors="replace") as container:
            if container.format.name.split(",")[0] not in CONTAINERS:
                raise MediaError(f"is no MP4 or WebM clip, but {printable(container.format.long_name)}")
            stream = container.streams.best("video")
            stream.codec_context.thread_count = 1
            start = (stream.start_time or 0) * stream.time_base
            length = (stream.duration or 0) * stream.time_base or media.duration
            _seek(container, start + length)
            ends = [packet.pts + (packet.duration or 0) for packet in container.demux(stream) if packet.pts is not None]
            end = max(ends, default=0) * stream.time_base - start
            if end < 0.95 * length - SLACK:
                raise MediaError(f"is cut short: {float(end):.1f} of {float(length):.1f} seconds are there")
            for place in (length / 2, length):
                _seek(container, start + place)  # to the key frame before
                frame = next(container.decode(stream), None)
                if frame is None or (frame.time or 0) > start + place + SLACK:
                    raise MediaError(f"is damaged: what is seen at {float(place):.1f} seconds cannot be decoded")
    except av.FFmpegError as error:
        raise MediaError(f"is damaged ({error.strerror or error})") from None


def _seek(container, seconds: float) -> None:
    container.seek(int(seconds * 1_000_000))
