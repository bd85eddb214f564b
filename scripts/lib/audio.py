"""Sound as samples of 16 bits. Without numpy, whose import would take longer than the work."""

import wave
from array import array
from pathlib import Path

from scripts.lib.files import replacing

RATE = 48_000
SILENCE = 0.02
"""Quieter than this share of a sound's peak (-34 dB) is a pause: breath and noise, but no speech."""


def read_wav(path: str | Path) -> array:
    """The samples of a WAV of 16 bits; those of its channels in turn."""
    with wave.open(str(path), "rb") as file:
        return array("h", file.readframes(file.getnframes()))


def write_wav(path: str | Path, samples: array) -> None:
    """Write a WAV: mono, 16 bits, 48 kHz."""
    with replacing(path) as part, wave.open(str(part), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(samples)


def resample(samples: array, rate: int, wanted: int = RATE) -> array:
    """`samples` of `rate` per second at another rate: band-limited, in step with the original (FFmpeg's swresample)."""
    import av

    frame = av.AudioFrame(format="s16", layout="mono", samples=len(samples))
    frame.sample_rate = rate
    frame.planes[0].update(samples)
    resampler = av.AudioResampler(format="s16", layout="mono", rate=wanted)
    out = array("h")
    for part in [*resampler.resample(frame), *resampler.resample(None)]:
        out.frombytes(bytes(part.planes[0])[: 2 * part.samples])
    return out


def loudest(samples: array) -> int:
    """The greatest magnitude of any sample."""
    return max(max(samples, default=0), -min(samples, default=0))


def sound_end(samples: array, start: int, stop: int, limit: float) -> int:
    """The place after the last sample of `samples[start:stop]` that is louder than `limit`; `start` without one."""
    return next((n + 1 for n in range(stop - 1, start - 1, -1) if abs(samples[n]) > limit), start)


def speech(samples: array) -> tuple[int, int]:
    """The first sample that is heard and the place after the last; (0, 0) where all is silence."""
    limit = SILENCE * loudest(samples)
    start = next((n for n, sample in enumerate(samples) if abs(sample) > limit), 0)
    return start, sound_end(samples, start, len(samples), limit)
