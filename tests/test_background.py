"""The generated backgrounds: they loop, they differ, they are clips as the renderer wants them."""

import functools
import itertools
import re

import av
import numpy as np
import pytest
import yaml

from scripts.background import background
from scripts.lib.backgrounds.encode import encode
from scripts.lib.backgrounds.painters import FPS, PAINTERS, paint
from scripts.lib.errors import UserError
from scripts.lib.media import OPEN, MediaError
from tests.conftest import ROOT

CATALOGUE = yaml.safe_load((ROOT / "config/backgrounds.yaml").read_text(encoding="utf-8"))
PLAIN = [name for name, recipe in CATALOGUE.items() if "palette" not in recipe]
"""The backgrounds in their painters' own colours."""
SMALL = 108, 192


def small(name, **changes):
    """A background painted small, its shortest."""
    return paint(name, CATALOGUE[name] | {"seconds": 4} | changes, *SMALL)


@functools.cache
def loop(name):
    """The two first frames of a loop, one from its middle, and its two last."""
    frames = list(small(name))
    assert len(frames) == 4 * FPS
    return [frames[at] for at in (0, 1, 2 * FPS, -2, -1)]


def gap(one, other):
    return float(np.abs(one - other).mean())


def test_the_catalogue_describes_each_and_uses_every_painter():
    assert all(len(recipe["description"]) > 40 for recipe in CATALOGUE.values())
    assert {recipe["painter"] for recipe in CATALOGUE.values()} == set(PAINTERS)


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_last_frame_flows_into_the_first(name):
    first, second, middle, before, last = loop(name)
    assert all(frame.dtype == np.float32 and np.isfinite(frame).all() for frame in (first, middle, last))
    step = (gap(first, second) + gap(before, last)) / 2
    assert step > 0
    assert 0.4 * step < gap(last, first) < 1.8 * step


@pytest.mark.parametrize("name", PLAIN)
def test_a_background_fills_a_lying_frame_too(name):
    frame = next(paint(name, CATALOGUE[name], *SMALL[::-1]))
    _, height, width = frame.shape
    assert width > height
    assert frame.std() > 0.02


def test_no_two_backgrounds_look_alike():
    """By the light and colour of each of 3 x 6 parts of the frame."""
    looks = {
        name: np.array([[part.mean() for part in _parts(plane)] for plane in np.clip(loop(name)[2], 0, 1)])
        for name in CATALOGUE
    }
    assert not [pair for pair in itertools.combinations(looks, 2) if gap(*(looks[name] for name in pair)) < 0.05]


def _parts(plane):
    return [part for band in np.array_split(plane, 6) for part in np.array_split(band, 3, axis=1)]


@pytest.mark.parametrize("name", PLAIN)
def test_the_same_recipe_paints_the_same_frames_and_another_seed_others(name):
    again, other = (next(small(name, **changes)) for changes in ({}, {"seed": 99}))
    assert np.array_equal(again, loop(name)[0])
    assert not np.array_equal(other, again)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"painter": "see"}, "painter: 'see' is none of aurora, city"),
        ({"painter": ["sea"]}, "painter: ['sea'] is none of"),
        ({"seconds": 60}, "seconds: a number from 4 to 12"),
        ({"seed": 1.5}, "seed: a whole number"),
        ({"seed": -1}, "seed: a whole number"),
        ({"swel": 1.0}, "is it swell?"),
        ({"swell": 9}, "swell: a number from 0.25 to 4"),
        ({"swell": True}, "swell: a number"),
        ({"palette": ["#000000"]}, "palette: a list of 7 colours"),
        ({"palette": ["red"] * 7}, "palette: a list of 7 colours"),
        ({"width": 100}, "width: unknown to sea"),
    ],
)
def test_a_recipe_is_refused_with_what_is_allowed(changes, fault):
    with pytest.raises(UserError, match="^config/backgrounds.yaml: sea: .*" + re.escape(fault)):
        paint("sea", CATALOGUE["sea"] | changes, *SMALL)


def test_all_faults_of_a_recipe_are_told_at_once():
    with pytest.raises(UserError, match=r"Sea: a name.*seconds: .*swell: "):
        paint("Sea", CATALOGUE["sea"] | {"seconds": 0, "swell": "much"}, *SMALL)


def test_a_clip_is_whole_and_of_the_size_and_rate_that_the_renderer_wants(tmp_path):
    background("city", CATALOGUE["city"] | {"seconds": 4}, "landscape", tmp_path / "city.mp4")
    with av.open(str(tmp_path / "city.mp4"), options=OPEN) as container:
        (stream,) = container.streams
        codec = stream.codec_context
        assert (stream.codec.name, codec.width, codec.height, codec.pix_fmt) == ("h264", 1920, 1080, "yuv420p")
        assert (stream.average_rate, codec.has_b_frames, codec.colorspace) == (FPS, False, 1)  # 1: BT.709
        assert sum(packet.size > 0 for packet in container.demux(stream)) == 4 * FPS


def test_the_same_recipe_gives_the_same_bytes(tmp_path):
    clips = [tmp_path / "one.mp4", tmp_path / "two.mp4"]
    for clip in clips:
        encode(small("snow"), *SMALL, FPS, clip)
    assert clips[0].read_bytes() == clips[1].read_bytes()


@pytest.mark.parametrize("colour", [(0.9, 0.2, 0.1), (0.1, 0.8, 0.3), (0.05, 0.1, 0.7), (0.02, 0.02, 0.02)])
def test_a_clip_has_the_colours_that_were_painted(tmp_path, colour):
    frame = np.empty((3, 96, 54), np.float32)
    frame[:] = np.array(colour)[:, None, None]
    encode([frame] * 3, *SMALL, FPS, tmp_path / "plain.mp4")
    with av.open(str(tmp_path / "plain.mp4"), options=OPEN) as container:
        shown = next(container.decode(video=0)).reformat(format="rgb24", src_colorspace="ITU709").to_ndarray()
    assert np.allclose(shown.mean((0, 1)) / 255, colour, atol=0.015)


def test_a_failed_clip_says_why_and_leaves_nothing(tmp_path):
    frames = (np.zeros((3, 8, 8), np.float32) for _ in range(100_000))
    with pytest.raises(MediaError, match=r"ffmpeg failed: .*not divisible by 2"):
        encode(frames, 15, 15, FPS, tmp_path / "odd.mp4")
    assert not list(tmp_path.iterdir())
