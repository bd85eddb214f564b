"""Painted frames to a clip, through one ffmpeg that reads them as they are made."""

import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from scripts.lib.files import replacing
from scripts.lib.media import MediaError, ffmpeg_exe


def encode(frames: Iterable[np.ndarray], width: int, height: int, fps: int, out: str | Path) -> None:
    """Write an H.264 clip of frames of any one size, scaled to `width` x `height`.

    frames: float arrays of shape (3, rows, columns), red, green and blue from 0 to 1; what is beyond is cut off.
    The preset is superfast: the clip is encoded once more with the scene's captions, and veryfast takes half as
    long again for no more than a smaller file.

    Raises MediaError with ffmpeg's own words.
    """
    frames = iter(frames)
    first = next(frames)
    _, rows, columns = first.shape
    scale = f"scale={width}:{height}:flags=bicubic+full_chroma_inp:out_color_matrix=bt709:out_range=tv"
    with replacing(out) as part, tempfile.TemporaryFile() as log:
        command = [
            *(ffmpeg_exe(), "-hide_banner", "-nostats", "-loglevel", "error", "-y"),
            *("-f", "rawvideo", "-pix_fmt", "gbrp", "-s", f"{columns}x{rows}", "-r", str(fps), "-i", "pipe:0"),
            *("-vf", f"{scale},setsar=1,format=yuv420p", "-filter_threads", "1"),
            *("-c:v", "libx264", "-preset", "superfast", "-crf", "20", "-bf", "0", "-g", str(2 * fps)),
            *("-threads", "1", "-flags:v", "+cgop+bitexact", "-fflags", "+bitexact", "-map_metadata", "-1"),
            *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"),
            *("-video_track_timescale", str(512 * fps), "-movflags", "+faststart", f"file:{part}"),
        ]
        with (
            suppress(BrokenPipeError),  # ffmpeg has given up, and says why
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log) as process,
        ):
            for planes in _bytes(first, frames):
                process.stdin.write(planes)
        if process.returncode:
            log.seek(0)
            words = log.read().decode(errors="replace").strip().splitlines()[:2]  # the cause comes first
            raise MediaError("ffmpeg failed: " + " / ".join(words))


def _bytes(first: np.ndarray, rest: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Each frame as bytes: green, blue, red, as ffmpeg's gbrp has them.

    The noise by which they are rounded stands still: it hides the steps of a soft gradient and costs the encoder
    nothing from one frame to the next.
    """
    dither = np.random.default_rng(0).random(first.shape, dtype=np.float32)
    level = np.empty_like(dither)
    frame = first
    while frame is not None:
        np.multiply(frame[[1, 2, 0]], 255, out=level)
        level += dither
        yield np.clip(level, 0, 255, out=level).astype(np.uint8)
        frame = next(rest, None)
