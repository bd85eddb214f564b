"""What a finished video is, measured: headers, picture and sound."""

import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from pathlib import Path

import av
import numpy as np

from scripts.lib.loudness import SILENT, figure
from scripts.lib.media import OPEN, MediaError, ffmpeg, source

Stretch = tuple[float, float]
"""Start and end in seconds."""

STEP = 0.1
"""Seconds between the frames that are looked at."""
LIT, CHANGED, SHARE = 26, 6, 0.0005
"""A frame is lit where more than SHARE of it is brighter than LIT of 255 (10 %, as in ffmpeg's blackdetect), and has
changed where as much of it differs by more than CHANGED. An average over the frame, as in ffmpeg's freezedetect, sees
less in twinkling stars (30 in 10,000 pixels change so) than in a key frame on a still picture (at crf 21, none do)."""
BLACK, FROZEN = 0.5, 2.0
"""Seconds from which a viewer sees a hole, or a picture that hangs (as in ffmpeg's freezedetect)."""


@dataclass(frozen=True)
class Inspection:
    """A video as it is; lengths and stretches in seconds."""

    width: int
    height: int
    fps: float
    codec: str
    """Codec and pixel format, such as `h264 yuv420p`."""
    frames: int
    faststart: bool
    black: list[Stretch]
    frozen: list[Stretch]
    audio: float
    """Length of the sound; 0 where there is none."""
    silent: list[Stretch]
    loudness: float
    """Integrated, LUFS."""
    peak: float
    """True peak, dBTP."""


def inspect(path: Path, captions: tuple[float, float]) -> Inspection:
    """Measure a video.

    `captions` are the upper and the lower edge of the rows in which captions stand, as shares of the height: these
    rows are left out, because a frozen or black picture would seem to live by them.

    Raises MediaError for a file that is no video.
    """
    try:
        with av.open(str(path), options=OPEN) as container:
            stream = container.streams.video[0]
            width, height, fps = stream.width, stream.height, float(stream.average_rate)
            codec = f"{stream.codec_context.name} {stream.codec_context.pix_fmt}"
            rate = next((sound.rate for sound in container.streams.audio), None)
            frames, black, frozen = _picture(container, captions)
    except (av.FFmpegError, IndexError):
        raise MediaError(f"{path}: cannot be read as a video; delete it and build again") from None
    sound = _sound(path, rate) if rate else (0.0, [], *SILENT)
    return Inspection(width, height, fps, codec, frames, faststart(path), black, frozen, *sound)


def _picture(container: av.container.InputContainer, captions: tuple[float, float]) -> tuple[int, list, list]:
    """The number of a video's frames, and its black and its frozen stretches.

    Frames that no other refers to are counted, not decoded: it takes half the time.
    """
    stream = container.streams.video[0]
    stream.codec_context.thread_count = 1
    stream.codec_context.skip_frame = "NONREF"
    width, height = max(1, stream.width // 4), max(1, stream.height // 4)
    rows = np.arange(height) / height
    rows = (rows < captions[0]) | (rows >= captions[1])
    count, due, still, lit, changed = 0, 0.0, None, [], []
    with suppress(av.FFmpegError):  # a file that is cut off ends here, too short
        for packet in container.demux(stream):
            count += packet.size > 0
            for frame in packet.decode():
                if frame.time < due:
                    continue
                due = frame.time + STEP
                luma = frame.reformat(width, height, "gray", interpolation="AREA").to_ndarray()[rows].astype(np.int16)
                if (luma > LIT).mean() > SHARE:
                    lit.append(frame.time)
                if still is None or (np.abs(luma - still) > CHANGED).mean() > SHARE:
                    still = luma
                    changed.append(frame.time)
    length = count / float(stream.average_rate)
    return count, gaps(lit, length, BLACK), gaps(changed, length, FROZEN)


def gaps(times: list[float], length: float, least: float) -> list[Stretch]:
    """The stretches of at least `least` seconds between 0, the rising `times` and `length`."""
    return [(round(a, 3), round(b, 3)) for a, b in pairwise([0.0, *times, length]) if b - a >= least]


def _sound(path: Path, rate: int) -> tuple[float, list[Stretch], float, float]:
    """The length of a video's sound, its stretches under -50 dBFS, its loudness and its true peak."""
    filters = [
        "ebur128=peak=true:framelog=quiet",
        "silencedetect=n=-50dB:d=0.3",
        "astats=measure_perchannel=none:measure_overall=Number_of_samples",
    ]
    log = ffmpeg(*source(path), "-map", "0:a:0", "-af", ",".join(filters), "-f", "null", "-")
    length = int(re.findall(r"Number of samples: (\d+)", log)[-1]) / rate
    begun, ended = (
        [round(max(0.0, float(time)), 3) for time in re.findall(rf"silence_{edge}: (-?[\d.e-]+)", log)]
        for edge in ("start", "end")
    )
    silent = list(zip_longest(begun, ended, fillvalue=round(length, 3)))
    return length, silent, figure(log, "I", SILENT[0]), figure(log, "Peak", SILENT[1])


def faststart(path: Path) -> bool:
    """Whether an MP4's index (`moov`) lies before its media (`mdat`), so that it plays while it loads."""
    with path.open("rb") as file:
        while len(header := file.read(8)) == 8:
            size, kind = int.from_bytes(header[:4]), header[4:]
            if kind in (b"moov", b"mdat"):
                return kind == b"moov"
            file.seek(max(0, size - 8), 1)
    return False
