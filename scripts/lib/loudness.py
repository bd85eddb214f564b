"""What ffmpeg's `ebur128` says of a sound, by ITU-R BS.1770 and EBU R 128."""

import re

from scripts.lib.media import MediaError

LUFS = -14.0
"""The integrated loudness to which YouTube, TikTok and Instagram bring what they play."""
SILENT = -70.0, -120.0
"""What stands for the loudness (BS.1770's absolute gate) and the true peak of silence: JSON has no -inf."""


def figure(log: str, name: str, least: float) -> float:
    """A figure of the summary in ffmpeg's log: `I`, integrated loudness in LUFS, or `Peak`, true peak in dBTP.

    At least `least`. Raises MediaError where nothing was measured.
    """
    found = re.findall(rf" {name}: +(-?[\d.]+|-inf|nan) ", log)
    if not found:
        raise MediaError("has no sound that can be measured")
    return max(least, float(found[-1].replace("nan", "-inf")))
