"""Sound that somebody else made: read, cut to what is heard, and brought to one loudness."""

import tempfile
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from scripts.lib.audio import RATE, loudest, read_wav, speech, write_wav
from scripts.lib.job import warn
from scripts.lib.loudness import SILENT, figure
from scripts.lib.media import OPEN, MediaError, ffmpeg, source

LUFS = -23.0
"""The loudness of EBU R 128, at which all but the sharpest peaks of speech have room."""
LIMITER = "alimiter=limit=-1dB:level=0:attack=5:release=50:latency=1"
"""For what peaks more than 22 dB above its loudness: a plosive, a knock at the microphone."""
ROUNDS = 2
"""How often the gain is measured: what the limiter takes is missing in loudness."""
EDGE = 0.1
"""Seconds kept before and after what is heard, for soft consonants. More silence than that is the pads' business."""
QUIET = 33
"""-60 dBFS: what never gets louder is silence."""
FAINT = 30.0
"""Decibels of gain from which on the noise of a room is heard."""
PAUSE = 0.4
"""Seconds between two sentences. Voices leave from none to most of it themselves."""
MOST = 1800
"""Seconds. A scene's text of 5,000 characters takes six minutes."""


def decode(file: Path | BinaryIO) -> array:
    """The first track of sound in a file: mono, 16 bits, 48 kHz. What comes before damage is taken, with a warning.

    Raises MediaError, which says what the file is not, without naming it.
    """
    import av

    samples = array("h")
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    file = str(file) if isinstance(file, Path) else file
    try:
        with av.open(file, options=OPEN, metadata_errors="replace") as container:
            if not container.streams.audio:
                raise MediaError("has no sound")
            for frame in container.decode(audio=0):
                _add(samples, resampler.resample(frame))
                if len(samples) > MOST * RATE:
                    raise MediaError(f"is longer than {MOST // 60} minutes, too long for a scene")
        _add(samples, resampler.resample(None))
    except (av.FFmpegError, ValueError) as error:  # ValueError: the form of the sound changes on the way
        if not samples:
            raise MediaError(f"cannot be read as sound ({getattr(error, 'strerror', None) or error})") from None
        warn(f"the sound is damaged after {len(samples) / RATE:.1f} s; what comes before is used")
    if not samples:
        raise MediaError("has no sound")
    return samples


def _add(samples: array, frames: list) -> None:
    for frame in frames:
        samples.frombytes(bytes(frame.planes[0])[: 2 * frame.samples])


def joined(parts: Iterable[array]) -> tuple[array, list[float]]:
    """The parts, which end with a sentence each, with a pause between them; and the start of each, in seconds."""
    samples, starts, quiet = array("h"), [], 0
    for part in parts:
        first, last = speech(part)
        if starts:
            samples.frombytes(bytes(2 * max(0, round(PAUSE * RATE) - quiet - first)))
        starts.append(len(samples) / RATE)
        samples += part
        quiet = len(part) - last
    return samples, starts


def finished(samples: array) -> tuple[array, float]:
    """The sound at -23 LUFS without the silence around it, and how many seconds were cut at its start.

    Raises MediaError for silence.
    """
    if loudest(samples) <= QUIET:
        raise MediaError("is silent")
    start, end = speech(samples)
    start, end = max(0, start - round(EDGE * RATE)), min(len(samples), end + round(EDGE * RATE))
    with tempfile.TemporaryDirectory() as folder:
        raw, levelled = Path(folder) / "raw.wav", Path(folder) / "levelled.wav"
        write_wav(raw, samples[start:end])
        gain = 0.0
        for _ in range(ROUNDS):
            # Loudness is that of 0.4 s and more: what is shorter is measured with silence after it.
            heard = f"volume={gain}dB,{LIMITER},apad=whole_dur=0.4,ebur128=framelog=quiet:dualmono=true"
            lufs = figure(ffmpeg(*source(raw), "-af", heard, "-f", "null", "-"), "I", SILENT[0])
            if lufs <= SILENT[0]:
                raise MediaError("is silent")
            gain += LUFS - lufs
        if gain > FAINT:
            warn(f"the sound is very quiet: it is raised by {gain:.0f} dB, and its noise with it; record it louder")
        ffmpeg(*source(raw), "-af", f"volume={gain}dB,{LIMITER}", "-bitexact", levelled)
        return read_wav(levelled), start / RATE
