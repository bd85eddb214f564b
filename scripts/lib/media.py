"""The one door to ffmpeg and PyAV: every file is opened with a fixed list of demuxers and nothing but local files.

A playlist named clip.mp4 would otherwise make ffmpeg read any file or address that it names.
"""

import functools
import importlib.util
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from scripts.lib.errors import UserError

VIDEO = {".mp4", ".m4v", ".mov", ".3gp", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".gif"}
PICTURE = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
PQ_AND_HLG = (16, 18)
"""Transfer characteristics of HDR video, by their numbers in ITU-T H.273."""
MOST_PIXELS = 120_000_000
"""About 11,000 x 11,000: half a gigabyte when decoded would be the limit of what a job may take."""
AUDIO = {".wav", ".mp3", ".m4a", ".m4b", ".aac", ".flac", ".ogg", ".oga", ".opus", ".weba", ".mka"}
AUDIO |= {".aif", ".aiff", ".caf", ".amr"}

DEMUXERS = "mov,matroska,webm,avi,mpeg,mpegts,wav,mp3,aac,flac,ogg,aiff,caf,amr,gif"
"""What may be opened: containers that hold their media inside themselves. No hls, concat, dash or sdp, and no image2,
which reads `%d` in a file's name as a pattern: pictures are Pillow's."""

NO_FONTS = Path(__file__).resolve().parents[2] / "config/fonts/fontconfig.conf"

OPEN = {"format_whitelist": DEMUXERS, "protocol_whitelist": "file"}
"""Options for `av.open(path, options=OPEN)`."""


class MediaError(UserError):
    """A file that is not what it should be, or an ffmpeg that could not do its work."""


@dataclass(frozen=True)
class Media:
    """What a clip or a picture is, by its bytes: as it is shown, after any rotation it asks for."""

    kind: str
    """`video` or `picture`."""
    width: int
    height: int
    duration: float
    """Seconds; 0 for a picture."""
    fps: float
    """Frames a second, the average; 0 for a picture."""
    hdr: bool = False
    """Whether its light is coded as PQ or HLG, as phones do."""


def probe(path: str | Path) -> Media:
    """Open a clip or a picture and decode its first frame.

    Raises MediaError, which says what the file is not, without naming it: the caller knows what the user calls it.
    """
    return _probe_picture(path) if Path(path).suffix.lower() in PICTURE else _probe_video(path)


def _probe_picture(path: str | Path) -> Media:
    with open_picture(path) as picture:
        width, height = picture.size
        try:
            if picture.getexif().get(0x0112, 1) >= 5:  # EXIF orientation: on its side
                width, height = height, width
            picture.draft("L", (64, 64))  # a JPEG is decoded at an eighth of its size
            picture.load()
        except (OSError, ValueError, SyntaxError) as error:
            raise MediaError(f"a damaged picture ({error})") from None
        return Media("picture", width, height, 0.0, 0.0)


def open_picture(path: str | Path):
    """A PIL.Image of a known format, its size checked before a pixel is decoded.

    Raises MediaError.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        picture = Image.open(path, formats=["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
    except UnidentifiedImageError:
        raise MediaError("not a picture of a kind that can be read (JPEG, PNG, WebP, BMP, TIFF)") from None
    except Image.DecompressionBombError:
        raise MediaError("a picture of more pixels than is safe to open; scale it down") from None
    except OSError as error:
        raise MediaError(f"a picture that cannot be read: {error}") from None
    if picture.width * picture.height > MOST_PIXELS:
        picture.close()
        raise MediaError(
            f"a picture of {picture.width}x{picture.height}: more pixels than is safe to open; scale it down"
        )
    return picture


def _probe_video(path: str | Path) -> Media:
    import av

    try:
        with av.open(str(path), options=OPEN, metadata_errors="replace") as container:
            streams = container.streams.video
            cover = av.stream.Disposition.attached_pic  # a picture of a sound file
            stream = next((stream for stream in streams if cover not in stream.disposition), None)
            if stream is None:
                raise MediaError("has no picture: a sound file, or a damaged clip")
            frame = next(container.decode(stream), None)
            if frame is None:
                raise MediaError("has no frame that can be decoded")
            width, height = frame.width, frame.height
            if frame.rotation % 180:
                width, height = height, width
            duration = container.duration / av.time_base if container.duration else 0.0
            if not duration and stream.duration:
                duration = float(stream.duration * stream.time_base)
            rate = round(float(stream.average_rate or 0), 3)
            return Media("video", width, height, round(duration, 3), rate, frame.color_trc in PQ_AND_HLG)
    except av.FFmpegError as error:
        raise MediaError(f"cannot be read as a video ({error.strerror or error})") from None


@functools.cache
def ffmpeg_exe() -> str:
    """The static ffmpeg of the imageio-ffmpeg wheel, or the one named by IMAGEIO_FFMPEG_EXE.

    The wheel's own function starts ffmpeg once to try it, which with its import takes 0.1 s of every job; it is asked
    where the wheel has no binary for this machine.
    """
    if named := os.environ.get("IMAGEIO_FFMPEG_EXE"):
        return named
    folder = importlib.util.find_spec("imageio_ffmpeg").submodule_search_locations[0]
    if shipped := sorted(Path(folder, "binaries").glob("ffmpeg-*")):
        return str(shipped[0])
    import imageio_ffmpeg

    return imageio_ffmpeg.get_ffmpeg_exe()


def source(path: str | Path) -> list[str]:
    """ffmpeg arguments that open one untrusted file as input."""
    return ["-format_whitelist", DEMUXERS, "-protocol_whitelist", "file", "-i", f"file:{path}"]


def ffmpeg(*args: object, cwd: str | Path | None = None) -> str:
    """Run ffmpeg and return what it wrote to stderr.

    Fonts come from the files that are named to it alone: with fontconfig's own set-up, the fonts of the machine
    would decide what a video looks like.

    Raises MediaError with ffmpeg's own last words.
    """
    command = [ffmpeg_exe(), "-hide_banner", "-nostdin", "-nostats", "-y", *map(str, args)]
    done = subprocess.run(
        command,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=os.environ | {"FONTCONFIG_FILE": str(NO_FONTS)},
    )
    text = done.stderr.decode(errors="replace")
    if done.returncode:
        raise MediaError("ffmpeg failed: " + " / ".join(text.strip().splitlines()[-3:]))
    return text


def frame_count(path: str | Path) -> int:
    """Frames of a video's first stream, counted by its packets (nothing is decoded)."""
    import av

    with av.open(str(path), options=OPEN) as container:
        return sum(packet.size > 0 for packet in container.demux(video=0))
