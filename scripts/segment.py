"""Render a scene: its clip or picture cropped, scaled and looped to the frame grid, its captions burned in."""

import tempfile
from pathlib import Path

from scripts.lib import picture
from scripts.lib.errors import UserError
from scripts.lib.files import read_json, replacing
from scripts.lib.job import job
from scripts.lib.media import PICTURE, MediaError, ffmpeg, frame_count, probe, source
from scripts.lib.timeline import scene_frames

SDR = "flags=bicubic:out_color_matrix=bt709:out_range=tv"
TO_SDR = [
    "zscale=transfer=linear:npl=203,format=gbrpf32le,zscale=primaries=bt709",
    "tonemap=mobius:desat=0,zscale=transfer=bt709:matrix=bt709:range=tv",
]
"""HDR to BT.709 by way of linear light; 203 cd/m2 is the white of ITU-R BT.2408."""
BT709 = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]


def segment(media: Path, captions: Path, fonts: list[str], frames: int, video: dict, out: Path) -> None:
    """Write `frames` frames of `media` under `captions` to `out`: video only, as the settings of `video` say.

    Raises MediaError where the media cannot be read to the end of the scene.
    """
    with tempfile.TemporaryDirectory() as folder, replacing(out) as part:
        # In a folder of its own, so that no name of the user's stands in a filter string.
        (Path(folder) / "captions.ass").symlink_to(captions.resolve())
        (Path(folder) / "fonts").mkdir()
        for number, font in enumerate(fonts):
            (Path(folder) / f"fonts/{number}{Path(font).suffix}").symlink_to(Path(font).resolve())
        if media.suffix.lower() in PICTURE:
            picture.still(media, Path(folder) / "still.png", video["width"], video["height"])
            inputs = ["-framerate", video["fps"], "-i", "still.png"]
            filters = picture.moving(media, frames, video["width"], video["height"])
        else:
            inputs = ["-stream_loop", -1, *source(media.resolve())]
            filters = cover(media, video)
        if "\nDialogue:" in captions.read_text(encoding="utf-8"):
            filters.append("subtitles=filename=captions.ass:fontsdir=fonts")
        ffmpeg(
            *inputs,
            *("-map", "0:V:0", "-vf", ",".join([*filters, "format=yuv420p"]), "-frames:v", frames),
            *encoder(video),
            part.resolve(),
            cwd=folder,
        )
        if (made := frame_count(part)) != frames:
            raise MediaError(f"gave {made} of {frames} frames: it is damaged, or holds no video that can be looped")


def cover(media: Path, video: dict) -> list[str]:
    """ffmpeg filters that fill the frame with a clip: cropped first, so that only what is shown is scaled.

    Frames that the rate leaves out are dropped before the work, frames that it repeats are repeated after it.
    """
    width, height, fps = video["width"], video["height"], video["fps"]
    clip, rate = probe(media), f"fps={fps}"
    fit = [
        f"crop=w=min(iw\\,ih*{width}/{height}):h=min(ih\\,iw*{height}/{width})",
        *([f"scale={width}:{height}:flags=bicubic", *TO_SDR] if clip.hdr else [f"scale={width}:{height}:{SDR}"]),
        "setsar=1",
    ]
    return [rate, *fit] if clip.fps > fps else [*fit, rate]


def encoder(video: dict) -> list[str | int]:
    """ffmpeg arguments of the one encode. Its threads are fixed: x264's bytes depend on their number."""
    return [
        *("-an", "-sn", "-dn", "-c:v", video["encoder"], "-preset", video["preset"], "-crf", video["crf"]),
        *("-threads", video["threads"], "-g", 2 * video["fps"], "-video_track_timescale", 512 * video["fps"]),
        *BT709,
        *("-map_metadata", -1, "-flags:v", "+bitexact", "-fflags", "+bitexact"),
    ]


def remedy(media: Path, segment: Path) -> str:
    """What to do about media that cannot be shown; a downloaded clip lies beside the segment, with what it is."""
    if media.parent != segment.parent:
        return "replace the file, or add it to the scene's `reject`"
    clip = read_json(media.with_suffix(".json"))
    name = clip["path"] or f"{clip['provider']}:{clip['id']}"
    return f"add {name} to the scene's `reject`"


if __name__ == "__main__":
    with job(snakemake.log[0]):
        settings = snakemake.params.settings
        duration = read_json(snakemake.input.words)["duration"]
        try:
            segment(
                Path(snakemake.input.media),
                Path(snakemake.input.captions),
                list(snakemake.input.fonts),
                scene_frames(duration, settings["pad_before"], settings["pad_after"], settings["fps"]),
                settings,
                Path(snakemake.output.segment),
            )
        except MediaError as error:
            media = Path(snakemake.input.media)
            raise UserError(f"{media}: {error}; {remedy(media, Path(snakemake.output.segment))}") from None
