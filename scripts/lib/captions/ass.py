"""Advanced SubStation Alpha: written so that libass shows every text as it stands; its pages read back."""

import re

HEADER = """[Script Info]
ScriptType: v4.00+
PlayResX: {width}
PlayResY: {height}
WrapStyle: 2
ScaledBorderAndShadow: yes
Kerning: yes
YCbCr Matrix: None

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,{font},{size:.2f},{color},{color},{outline},{shadow},0,0,0,0,100,100,0,0,1,0,0,5,0,0,0,-1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
"""Encoding -1: libass finds a text's direction by itself."""

PAGE = re.compile(
    r"^Comment: 0,(\d+):(\d\d):(\d\d\.\d\d),(\d+):(\d\d):(\d\d\.\d\d),Default,page,0,0,0,,(.*)$", re.MULTILINE
)


def event(start: float, end: float, text: str, layer: int = 0) -> str:
    """A line that is shown from `start` to `end`, in seconds; `text` may hold override tags."""
    return f"Dialogue: {layer},{clock(start)},{clock(end)},Default,,0,0,0,,{text}\n"


def page_comment(start: float, end: float, text: str) -> str:
    """A line that nothing shows, for who reads or edits the file: a page's text as it is read."""
    return f"Comment: 0,{clock(start)},{clock(end)},Default,page,0,0,0,,{text}\n"


def read_pages(ass: str) -> list[dict]:
    """The pages of captions: `{"start", "end", "text"}`, in seconds from the start of the scene."""
    return [
        {"start": seconds(*found.group(1, 2, 3)), "end": seconds(*found.group(4, 5, 6)), "text": found[7]}
        for found in PAGE.finditer(ass)
    ]


def escape(text: str) -> str:
    """Text of no effect but itself. A backslash has no escape of its own: a word joiner, which has no width, keeps it
    from what follows."""
    return text.replace("\\", "\\\u2060").replace("{", "\\{").replace("}", "\\}")


def color_tag(color: str, alpha: float = 0) -> str:
    """`&HAABBGGRR` of `#RRGGBB`; alpha from 0, which hides what is below, to 1."""
    return f"&H{round(255 * alpha):02X}{color[5:7]}{color[3:5]}{color[1:3]}"


def clock(time: float) -> str:
    """`0:01:02.34`"""
    minutes, hundredths = divmod(round(100 * time), 6000)
    return f"{minutes // 60}:{minutes % 60:02}:{hundredths // 100:02}.{hundredths % 100:02}"


def seconds(hours: str, minutes: str, rest: str) -> float:
    return round(3600 * int(hours) + 60 * int(minutes) + float(rest), 2)
