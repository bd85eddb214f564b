"""A stock site's clips: words, renditions, and real files to download."""

import functools
import hashlib
import json
import random
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from scripts.lib.media import ffmpeg

SUBJECTS = """
ocean waves beach
forest trees fog
city traffic night
desert dunes sand
mountain peak snow
river stones water
rain window drops
fire flames wood
clouds sky storm
stars galaxy space
coffee cup morning
dog park grass
cat sofa sleeping
horse field running
birds flock flying
bees flowers garden
train station platform
airplane runway sunset
ship harbour crane
bridge road cars
laptop desk typing
hands piano keys
dancer stage lights
chef kitchen knife
farmer tractor harvest
children school books
doctor hospital corridor
runner track stadium
bicycle street autumn
market fruit stalls
castle hill ruins
lighthouse cliff waves
waterfall jungle moss
volcano lava smoke
whale deep underwater
jellyfish glow dark
spider web dew
robot arm factory
wind turbines hills
candle table dinner
""".strip().splitlines()
VIEWS = """
aerial view of
close up of
slow motion of
time lapse of
people near
a quiet scene of
panning across
beautiful
drone shot over
handheld footage of
""".strip().splitlines()
MANY = "ocean"
"""The subject that has more clips than a page."""

LYING = ((3840, 2160), (1920, 1080), (1280, 720), (960, 540), (640, 360))
SECONDS = 3
STOP = re.compile(r"\b(a|an|and|at|by|for|from|in|into|is|it|of|off|on|or|over|the|to|under|up|with)\b")


@dataclass(frozen=True)
class Clip:
    id: int
    words: str
    portrait: bool
    author: str
    rng_seed: int

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Width and height of each rendition, the largest first; not every clip is there in 4K."""
        sizes = LYING if self.id % 3 else LYING[1:]
        return [(high, wide) if self.portrait else (wide, high) for wide, high in sizes]

    @property
    def slug(self) -> str:
        return self.words.replace(" ", "-")

    def rng(self) -> random.Random:
        """The same numbers for the same clip, every time."""
        return random.Random(self.rng_seed)


@functools.cache
def clips(site: str) -> dict[int, Clip]:
    """All clips of a site by their ids: each subject upright and lying, seen in several ways."""
    made = {}
    for number, subject in enumerate(SUBJECTS):
        rng = random.Random(f"{site} {subject}")
        for nth in range(60 if subject.startswith(MANY) else 24):
            id_ = (1_500_000 if site == "pexels" else 27_000) + number * 100 + nth
            words = f"{VIEWS[(nth // 2) % len(VIEWS)]} {subject}"
            if nth >= 2 * len(VIEWS):
                words += f" {nth // 2}"
            made[id_] = Clip(id_, words, nth % 2 == 0, rng.choice(AUTHORS), rng.randrange(2**32))
    return made


AUTHORS = ("Ana Ruiz", "J. Müller", "Wei Zhang", "O'Neil <Films>", "Ελένη", "studio_42")


def search_words(text: str) -> list[str]:
    """What a search looks for: small letters, no articles, no plural s."""
    found = re.findall(r"\w+", STOP.sub(" ", text.lower()))
    return [word.removesuffix("s") if len(word) > 3 else word for word in found]


@functools.cache
def _words_of(site: str) -> dict[int, frozenset[str]]:
    return {clip.id: frozenset(search_words(clip.words)) for clip in clips(site).values()}


def search(site: str, query: str, least: float) -> list[Clip]:
    """The clips that hold at least a share `least` of the query's words, those that hold most of them first."""
    wanted = set(search_words(query))
    if not wanted:
        return []
    hits = [(len(wanted & words) / len(wanted), id_) for id_, words in _words_of(site).items()]
    return [
        clips(site)[id_] for share, id_ in sorted(hits, key=lambda hit: (-hit[0], hit[1])) if share >= max(least, 0.01)
    ]


class Media:
    """The files: one for each size, made by ffmpeg in `folder` when it is first needed. Each clip has its name in a box
    at the end of its own, so that no two clips have the same bytes and a file says which clip it is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def make(self) -> None:
        """Make all files now, so that no answer has to wait for one."""
        for wide, high in LYING:
            self.base(wide, high)
            self.base(high, wide)

    @functools.cache  # noqa: B019 (as many entries as there are sizes, and it lives as long as the tests)
    def base(self, width: int, height: int) -> bytes:
        path = self.folder / f"{width}x{height}.mp4"
        with FileLock(f"{path}.lock"):
            if not path.exists():
                part = path.with_suffix(".part.mp4")
                source = f"testsrc2=size={width // 8}x{height // 8}:rate=10"
                enlarged = ["-vf", f"scale={width}:{height}:flags=neighbor"]
                encoded = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", 35, "-pix_fmt", "yuv420p"]
                ffmpeg("-f", "lavfi", "-i", source, "-t", SECONDS, *enlarged, *encoded, part)
                part.rename(path)
        return path.read_bytes()

    def file(self, site: str, clip: Clip, width: int, height: int) -> bytes:
        name = json.dumps([site, str(clip.id), width, height]).encode()
        return self.base(width, height) + struct.pack(">I4s", 8 + len(name), b"free") + name


def clip_in(path: Path) -> tuple[str, str]:
    """Site and id of the clip that a downloaded file is."""
    site, id_, *_ = json.loads(re.search(rb"free(\[[^]]*\])$", path.read_bytes())[1])
    return site, id_


def etag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:16]}"'
