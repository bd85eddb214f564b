"""Stills that move: a slow zoom with a little pan, in steps finer than a pixel."""

import zlib
from pathlib import Path

from scripts.lib.media import MediaError, open_picture

ZOOM = 1.06, 1.14
"""The zoom at the two ends of a scene: what peers use, enough to live and not enough to tire."""
PAN = 0.35, 0.65
"""Where the view stands at the two ends, as a share of the room that the zoom leaves."""


def still(path: Path, out: Path, width: int, height: int) -> None:
    """Write a picture upright, on black where it is transparent, cropped to the frame's shape and as large as the
    closest zoom needs.

    Raises MediaError where it cannot be decoded.
    """
    from PIL import Image, ImageOps

    size = round(width * ZOOM[1]), round(height * ZOOM[1])
    with open_picture(path) as image:
        try:
            image.draft("RGB", size)  # a JPEG is decoded at a fraction of its size where that is enough
            upright = ImageOps.exif_transpose(image).convert("RGBA")
        except (OSError, ValueError, SyntaxError) as error:
            raise MediaError(f"a damaged picture ({error})") from None
    ground = Image.new("RGBA", upright.size, "black")
    ImageOps.fit(Image.alpha_composite(ground, upright).convert("RGB"), size, Image.Resampling.LANCZOS).save(out)


def moving(path: Path, frames: int, width: int, height: int) -> list[str]:
    """ffmpeg filters that make `frames` frames of a still.

    `perspective` samples between pixels, where `zoompan` moves by whole ones and trembles. Every second picture, by
    its name, zooms out instead of in.
    """
    first, last = ZOOM if zlib.crc32(path.name.encode()) % 2 else ZOOM[::-1]
    done = f"(on/{max(1, frames - 1)})"
    zoom = f"({first}+({last - first:.2f})*{done})"
    left, top = (f"({side}-{side}/{zoom})*({PAN[0]}+{PAN[1] - PAN[0]:.2f}*{done})" for side in "WH")
    right, bottom = f"{left}+W/{zoom}", f"{top}+H/{zoom}"
    corners = f"x0={left}:y0={top}:x1={right}:y1={top}:x2={left}:y2={bottom}:x3={right}:y3={bottom}"
    return [
        "format=yuv420p",
        "loop=-1:1",
        f"perspective={corners}:eval=frame:interpolation=linear",
        f"scale={width}:{height}:flags=bicubic:out_color_matrix=bt709:out_range=tv",
        "setsar=1",
    ]
