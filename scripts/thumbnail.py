"""Choose the frame that shows a video best, and write it as a picture."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from scripts.lib.files import replacing
from scripts.lib.job import job
from scripts.lib.media import OPEN

SAMPLES = 8
REACH = 4.0
"""Seconds from the start that are looked at: enough for two caption pages, and decoded in half a second."""


def thumbnail(segment: Path, out: Path) -> None:
    """Write the best of a few frames near the start of `segment` to `out`, a JPEG of the frame's size."""
    best = max(frames(segment), key=lambda frame: appeal(frame.to_ndarray(format="gray")))
    with replacing(out) as part:
        best.to_image().save(part, quality=90, subsampling=0, optimize=True)


def frames(path: Path) -> Iterator[av.VideoFrame]:
    """Up to SAMPLES frames of a video, evenly spread over its first REACH seconds; the first frame is always one."""
    with av.open(str(path), options=OPEN) as container:
        stream = container.streams.video[0]
        reach = max(1, min(stream.frames, round(REACH * stream.average_rate)))
        chosen = {number * reach // SAMPLES for number in range(SAMPLES)}
        for number, frame in enumerate(container.decode(stream)):
            if number in chosen:
                yield frame
            if number >= max(chosen):
                return


def appeal(luma: np.ndarray) -> float:
    """How much there is to see in a frame (height, width; 0 to 255): its detail, less where it is dark or glaring.

    Detail is the mean squared step between neighbouring pixels. Squared, the hard edges of lettering weigh most: a
    full caption page beats an empty or a fading one, a sharp frame a blurred one, a frame a blend of two.
    """
    luma = luma.astype(np.float32) / 255
    detail = np.square(np.diff(luma, axis=0)).mean() + np.square(np.diff(luma, axis=1)).mean()
    light = luma.mean()
    return float(detail * np.clip(min(light, 1 - light) / 0.15, 0.1, 1))


if __name__ == "__main__":
    with job(snakemake.log[0]):
        thumbnail(Path(snakemake.input.segment), Path(snakemake.output.thumbnail))
