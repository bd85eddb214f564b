"""A scene's render: exact frames, the whole frame covered, hostile media refused."""

from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from conftest import ROOT, clip
from PIL import Image

from scripts.lib.files import write_json
from scripts.lib.media import MediaError, ffmpeg
from scripts.segment import remedy, segment

VIDEO = {"width": 90, "height": 160, "fps": 10, "encoder": "libx264", "preset": "ultrafast", "crf": 20, "threads": 1}
EMPTY = "[Script Info]\nScriptType: v4.00+\nPlayResX: 90\nPlayResY: 160\n\n[Events]\n"


def render(tmp_path: Path, media: Path, frames: int, video: dict = VIDEO) -> np.ndarray:
    """The frames of a segment without captions: uint8, (frames, height, width, 3)."""
    captions = tmp_path / "captions.ass"
    captions.write_text(EMPTY)
    segment(
        media, captions, [str(font) for font in ROOT.glob("config/fonts/*.ttf")], frames, video, tmp_path / "out.mp4"
    )
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video"]
        decoded = list(container.decode(video=0))
        assert [round(float(frame.time * video["fps"]), 3) for frame in decoded] == list(range(len(decoded)))
        return np.stack([frame.to_ndarray(format="rgb24") for frame in decoded])


@pytest.mark.parametrize("rate", [10, 24, 60])
@pytest.mark.parametrize("frames", [1, 7, 45])
def test_a_clip_is_looped_or_trimmed_to_exactly_the_frames_asked_for(tmp_path, rate, frames):
    clip(tmp_path / "clip.mp4", f"testsrc2=size=160x90:rate={rate}", seconds=1.3)
    assert render(tmp_path, tmp_path / "clip.mp4", frames).shape == (frames, 160, 90, 3)


@pytest.mark.parametrize(("width", "height"), [(90, 160), (160, 90), (120, 120)])
@pytest.mark.parametrize("source", ["160x90", "90x160", "64x64", "320x40"])
def test_the_frame_is_covered_without_bars(tmp_path, width, height, source):
    clip(tmp_path / "clip.mp4", f"color=c=white:size={source}:rate=10", seconds=0.3)
    frames = render(tmp_path, tmp_path / "clip.mp4", 2, VIDEO | {"width": width, "height": height})
    assert frames.shape[1:3] == (height, width)
    assert frames.min() > 230


def test_what_lies_in_the_middle_is_shown_and_not_stretched(tmp_path):
    """A white disc in the middle of a wide clip stays a disc in the middle of a tall frame."""
    source = "color=c=black:size=320x180:rate=10,geq=lum='255*lt(hypot(X-160,Y-90),40)':cb=128:cr=128"
    clip(tmp_path / "clip.mp4", source, seconds=0.3)
    white = render(tmp_path, tmp_path / "clip.mp4", 1)[0, :, :, 1] > 128
    rows, columns = np.nonzero(white)
    assert abs(rows.mean() - 79.5) < 3 and abs(columns.mean() - 44.5) < 3  # crops start on even pixels
    assert abs(np.ptp(rows) - np.ptp(columns)) <= 2


def test_a_rotated_phone_clip_is_shown_upright(tmp_path):
    """Half red, half blue, stored on its side with a display matrix, as phones do."""
    clip(tmp_path / "flat.mp4", "color=c=red:size=160x90:rate=10,drawbox=x=80:w=80:h=90:c=blue:t=fill", seconds=0.5)
    ffmpeg("-display_rotation", 90, "-i", tmp_path / "flat.mp4", "-c", "copy", tmp_path / "clip.mp4")
    frame = render(tmp_path, tmp_path / "clip.mp4", 1)[0].astype(int)
    top, bottom = frame[20, 45], frame[140, 45]
    assert {int(np.argmax(top)), int(np.argmax(bottom))} == {0, 2}  # one half red, one blue: above each other


@pytest.mark.parametrize("kind", ["jpg", "png", "webp"])
def test_a_picture_moves_and_fills_the_frame(tmp_path, kind):
    rng = np.random.default_rng(1)
    small = Image.fromarray(rng.integers(100, 255, (8, 12, 3), dtype=np.uint8))
    small.resize((600, 400), Image.Resampling.BICUBIC).save(tmp_path / f"p%03d.{kind}")  # a name with ffmpeg's pattern
    frames = render(tmp_path, tmp_path / f"p%03d.{kind}", 20).astype(int)
    assert frames.shape == (20, 160, 90, 3)
    assert frames.min() > 60
    assert np.abs(frames[0] - frames[-1]).mean() > 3
    steps = [np.abs(a - b).mean() for a, b in pairwise(frames)]
    assert max(steps) < 6


def test_a_transparent_palette_picture_stands_on_black(tmp_path):
    Image.new("RGBA", (100, 200), (255, 255, 255, 0)).save(tmp_path / "clear.png")
    assert render(tmp_path, tmp_path / "clear.png", 2).max() < 20


@pytest.mark.parametrize("name", ["list.mp4", "list.mkv", "list.jpg"])
def test_a_playlist_in_place_of_the_media_reads_no_other_file(tmp_path, name):
    clip(tmp_path / "secret.mp4", "testsrc2=size=90x160:rate=10", seconds=0.5)
    (tmp_path / name).write_text(f"#EXTM3U\n#EXTINF:1,\nfile://{tmp_path}/secret.mp4\n#EXT-X-ENDLIST\n")
    with pytest.raises(MediaError):
        render(tmp_path, tmp_path / name, 3)


def test_a_damaged_clip_is_refused_or_rendered_whole(tmp_path):
    clip(tmp_path / "clip.mp4", "testsrc2=size=160x90:rate=10", seconds=2)
    whole = (tmp_path / "clip.mp4").read_bytes()
    for name, data in {"cut": whole[: len(whole) // 2], "text": b"not a video", "empty": b""}.items():
        (tmp_path / f"{name}.mp4").write_bytes(data)
        with pytest.raises(MediaError):
            render(tmp_path, tmp_path / f"{name}.mp4", 30)
    assert not list(tmp_path.glob("*.part*")) and not (tmp_path / "out.mp4").exists()


def test_a_downloaded_clip_that_cannot_be_shown_is_called_what_a_script_calls_it(tmp_path):
    media = tmp_path / "scenes/s1/clip.mp4"
    media.parent.mkdir(parents=True)
    write_json(media.with_suffix(".json"), {"provider": "pexels", "id": "123", "path": None})
    assert remedy(media, media.with_name("segment.mp4")) == "add pexels:123 to the scene's `reject`"
    write_json(media.with_suffix(".json"), {"provider": "local", "id": "sea.mov", "path": "footage/sea.mov"})
    assert remedy(media, media.with_name("segment.mp4")) == "add footage/sea.mov to the scene's `reject`"
    own = tmp_path / "footage/clip.mp4"
    assert remedy(own, media.with_name("segment.mp4")) == "replace the file, or add it to the scene's `reject`"


def test_the_same_inputs_give_the_same_bytes(tmp_path):
    clip(tmp_path / "clip.mp4", "testsrc2=size=160x90:rate=24", seconds=1)
    render(tmp_path, tmp_path / "clip.mp4", 15)
    first = (tmp_path / "out.mp4").read_bytes()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/clip.mp4").write_bytes((tmp_path / "clip.mp4").read_bytes())
    render(tmp_path / "elsewhere", tmp_path / "elsewhere/clip.mp4", 15)
    assert (tmp_path / "elsewhere/out.mp4").read_bytes() == first


def test_an_hdr_phone_clip_keeps_its_white_and_its_grey(tmp_path):
    """HLG's reference white is 75 % of the signal: shown as it is, it would be a dull grey."""
    hlg = "log-level=none:colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc"
    encode = ["-c:v", "libx265", "-x265-params", hlg, "-pix_fmt", "yuv420p10le"]
    colours = "color=c=0xbfbfbf:size=160x90:rate=10,drawbox=x=80:w=80:h=90:c=0x404040:t=fill"
    ffmpeg("-f", "lavfi", "-i", colours, "-t", 0.5, *encode, tmp_path / "clip.mp4")
    frame = render(tmp_path, tmp_path / "clip.mp4", 1)[0].astype(int)
    white, dark = frame[80, 20], frame[80, 70]
    assert white.min() > 210 and np.ptp(white) < 12
    assert 50 < dark.mean() < 90
