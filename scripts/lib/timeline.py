"""The frame grid: every scene starts on a frame and lasts a whole number of them, so that nothing drifts."""

import math
from collections.abc import Iterable


def scene_frames(narration: float, pad_before: float, pad_after: float, fps: int) -> int:
    """Frames of a scene: its pauses and its narration (seconds), rounded up to whole frames.

    A length that is a whole number of frames but for rounding noise (under a microsecond) stays that number.
    """
    return max(1, math.ceil(round((pad_before + narration + pad_after) * fps, 6)))


def starts(frames: Iterable[int]) -> list[int]:
    """The first frame of each scene, and at the end the frame after the last one."""
    out = [0]
    for count in frames:
        out.append(out[-1] + count)
    return out
