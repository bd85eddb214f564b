"""What the caption styles look like, and where captions may stand in a frame."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """Lengths are in em, the size of the letters."""

    font: str
    """Name of the shipped file, without its suffix."""
    size: float
    """Em, as a share of the frame's measure (see `em_size`)."""
    words: int
    """Most on a page."""
    pitch: float
    """From one line to the next."""
    space: float
    """Between words, relative to the font's own space."""
    border: float
    """Width of the outline."""
    shadow: float
    """How far the shadow falls, straight down."""
    lines: int = 2
    """Most on a page."""
    uppercase: bool = False


HEAVY, LIGHT = "Montserrat-ExtraBold", "Montserrat-SemiBold"
STYLES = {
    "karaoke": Style(HEAVY, size=0.081, words=7, pitch=1.2, space=1.2, border=0.075, shadow=0.05),
    "pill": Style(HEAVY, size=0.078, words=6, pitch=1.4, space=1.45, border=0.065, shadow=0.05),
    "bold": Style(HEAVY, size=0.125, words=3, pitch=1.06, space=1.15, border=0.075, shadow=0.06, uppercase=True),
    "minimal": Style(LIGHT, size=0.052, words=10, pitch=1.3, space=1.1, border=0.035, shadow=0.04),
}


def em_size(style: Style, width: int, height: int) -> float:
    """Pixels of an em: by the frame's width where it is upright, else by its height."""
    return style.size * min(width, 0.8 * height)


def safe_area(width: int, height: int) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of where captions may stand, in pixels.

    In an upright frame clear of what TikTok, Reels and Shorts lay over it, all at once (of 1080x1920, 150 at the top,
    270 at the bottom, 40 and 120 at the sides: captions keep to the middle, so 120 at both), and of the two or three
    lines of a post's own text at the bottom. In others, inside the usual title-safe area. Both leave room at the sides
    for outlines and for words that grow.
    """
    if height > width:
        return 0.14 * width, 0.1 * height, 0.86 * width, 0.78 * height
    return 0.1 * width, 0.08 * height, 0.9 * width, 0.91 * height
