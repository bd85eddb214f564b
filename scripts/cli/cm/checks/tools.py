"""Python and its packages, ffmpeg, fonts."""

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator

from cm import invocation
from cm.checkout import ROOT
from cm.checks import Check, said

FILTERS = (
    *("subtitles", "zscale", "tonemap", "scale", "crop", "fps", "perspective"),
    *("acompressor", "alimiter", "sidechaincompress", "amix", "ebur128", "aresample", "apad", "volume"),
)
"""What the render and the soundtrack ask of ffmpeg."""


def python() -> Check:
    return Check("Python", "good", f"{'.'.join(map(str, sys.version_info[:3]))}, {sys.executable}")


def packages() -> Check:
    """Whether what is installed is what is pinned."""
    pinned = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    wrong = []
    for name, version in (pin.split("==") for pin in pinned):
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{name} is missing")
            continue
        if installed != version:
            wrong.append(f"{name} is {installed}, not {version}")
    if wrong:
        requirements = invocation.shown(ROOT / "envs/requirements.txt")
        return Check(
            "packages", "bad", "; ".join(wrong), f"{sys.executable} -m pip install --require-hashes -r {requirements}"
        )
    return Check(
        "packages", "good", f"all {len(pinned)} as pinned, snakemake {importlib.metadata.version('snakemake')}"
    )


def ffmpeg(settings: dict) -> Iterator[Check]:
    from scripts.lib.media import ffmpeg_exe

    remedy = "unset IMAGEIO_FFMPEG_EXE, or name an ffmpeg that has it; the wheel imageio-ffmpeg brings a full one"
    try:
        program = ffmpeg_exe()
        version = said(program, "-version").split("Copyright")[0].removeprefix("ffmpeg version").strip()
        filters = set(re.findall(r"^ \S+ (\w+) ", said(program, "-filters"), re.MULTILINE))
        yield Check("ffmpeg", "good", f"{version}, {program}")
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        yield Check("ffmpeg", "bad", f"does not start: {error}", remedy)
        return
    lacking = [name for name in FILTERS if name not in filters]
    yield (
        Check("ffmpeg's filters", "bad", f"has no {', '.join(lacking)}", remedy)
        if lacking
        else Check("ffmpeg's filters", "good", "libass (subtitles), zscale and all others that are used")
    )
    encoder = settings["video"]["encoder"]
    frame = ["-f", "lavfi", "-i", "color=s=320x320:d=0.1", "-c:v", encoder, "-f", "null", "-"]
    done = subprocess.run([program, "-hide_banner", "-v", "error", *frame], capture_output=True, text=True, check=False)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["it ended without a word"])[0]
        yield Check("video.encoder", "bad", f"{encoder} does not work here: {why}", "set video.encoder to libx264")
    else:
        yield Check("video.encoder", "good", encoder)


def fonts() -> Check:
    from PIL import ImageFont

    found = sorted((ROOT / "config/fonts").glob("*.ttf"))
    broken = []
    for font in found:
        try:
            ImageFont.truetype(str(font), 20)
        except OSError:
            broken.append(font.name)
    if broken or not found:
        return Check(
            "fonts", "bad", f"cannot be read: {', '.join(broken) or 'none there'}", "git checkout config/fonts"
        )
    return Check("fonts", "good", f"{len(found)} of the checkout; those of the machine are not used")
