"""The thumbnail is a sharp, bright frame with its caption on it."""

from pathlib import Path

import numpy as np
from PIL import Image

from scripts.lib.media import ffmpeg
from scripts.thumbnail import thumbnail

CAPTION = "drawbox=x=20:y=200:w=100:h=30:c=white:t=fill,drawbox=x=30:y=206:w=80:h=18:c=black:t=fill"


def taken(folder: Path, filters: str, seconds: float = 4, source: str = "testsrc2=s=180x320:r=30") -> np.ndarray:
    """The thumbnail of a clip, as RGB."""
    ffmpeg("-f", "lavfi", "-i", source, "-t", seconds, "-vf", filters, "-pix_fmt", "yuv420p", folder / "segment.mp4")
    thumbnail(folder / "segment.mp4", folder / "thumbnail.jpg")
    with Image.open(folder / "thumbnail.jpg") as picture:
        assert picture.format == "JPEG"
        return np.asarray(picture)


def test_it_has_the_size_of_the_frame_and_always_the_same_bytes(tmp_path):
    assert taken(tmp_path, "null").shape == (320, 180, 3)
    once = (tmp_path / "thumbnail.jpg").read_bytes()
    thumbnail(tmp_path / "segment.mp4", tmp_path / "thumbnail.jpg")
    assert (tmp_path / "thumbnail.jpg").read_bytes() == once


def test_a_frame_with_a_caption_is_taken_rather_than_one_without(tmp_path):
    words = ",".join(f"{box}:enable='between(t,1.2,1.9)'" for box in CAPTION.split(","))
    picture = taken(tmp_path, f"gblur=4,eq=contrast=0.5,{words}")
    assert picture[203, 25:115].mean() > 200


def test_a_sharp_bright_frame_is_taken_rather_than_a_blurred_or_a_dark_one(tmp_path):
    picture = taken(tmp_path, "gblur=6:enable='lt(t,1.5)',drawbox=t=fill:c=black@0.9:enable='gt(t,2.4)'")
    assert np.abs(np.diff(picture.astype(int), axis=1)).mean() > 6 and picture.mean() > 60


def test_a_clip_of_one_frame_has_a_thumbnail(tmp_path):
    assert taken(tmp_path, "null", 1 / 30).shape == (320, 180, 3)
