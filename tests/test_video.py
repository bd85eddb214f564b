"""The join: stream copy, every frame on the grid, whatever the folder is called."""

from pathlib import Path

import av
import pytest
from conftest import clip

from scripts.lib.errors import UserError
from scripts.lib.media import ffmpeg
from scripts.segment import segment
from scripts.video import video

VIDEO = {"width": 64, "height": 96, "fps": 10, "encoder": "libx264", "preset": "veryfast", "crf": 30, "threads": 2}


@pytest.fixture
def parts(tmp_path) -> tuple[list[Path], Path]:
    """Nine segments of odd lengths, 99 frames together, and a soundtrack as long, in a folder with a hostile name."""
    folder = tmp_path / "it's a 'file\\ name' %d \n: [x]"
    folder.mkdir()
    (folder / "none.ass").write_text("[Events]\n")
    clip(folder / "clip.mp4", "testsrc2=size=64x96:rate=10", seconds=3)
    segments = [folder / f"{number}.mp4" for number in range(9)]
    for number, path in enumerate(segments):
        segment(folder / "clip.mp4", folder / "none.ass", [], 7 + number, VIDEO, path)
    ffmpeg("-f", "lavfi", "-i", "sine=220:r=48000:d=9.9", "-c:a", "aac", folder / "sound.m4a")
    return segments, folder / "sound.m4a"


def test_every_frame_is_there_once_and_in_time(parts, tmp_path):
    segments, sound = parts
    video(segments, sound, 99, tmp_path / "video.mp4")
    with av.open(str(tmp_path / "video.mp4")) as container:
        picture, audio = container.streams
        assert (picture.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        times = [frame.pts * frame.time_base for frame in container.decode(picture)]
        assert [float(time * 10) for time in times] == list(range(99))
    with av.open(str(tmp_path / "video.mp4")) as container:
        assert abs(container.duration / av.time_base - 9.9) < 0.03


def test_the_index_comes_before_the_media(parts, tmp_path):
    video(*parts, 99, tmp_path / "video.mp4")
    data = (tmp_path / "video.mp4").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_a_missing_frame_is_an_error_and_leaves_no_file(parts, tmp_path):
    segments, sound = parts
    with pytest.raises(UserError, match="99 of 100 frames"):
        video(segments, sound, 100, tmp_path / "video.mp4")
    assert not list(tmp_path.glob("*video*"))
