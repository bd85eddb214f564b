"""Read a stranger's answer: what has the right type and a sane size is taken, anything else is nothing."""

import math
import re
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from scripts.lib.net.errors import ServiceError

MOST_TEXT = 2_000
"""Characters of what a clip shows: the embedding model reads about a thousand."""
MOST_NAME = 200
LONGEST = 86_400
"""Seconds of a clip: a day."""
LARGEST = 20_000
"""Pixels a side."""
MP4 = "video/mp4"
PLAYLISTS = (".m3u8", ".m3u", ".mpd")


def listed(answer: dict, key: str, site: str) -> list[dict]:
    """The clips of an answer, as they came. Raises ServiceError where there is no list of them."""
    if not isinstance(answer.get(key), list):
        raise ServiceError(f"{site}: its answer has no list '{key}'; it is not what this version reads")
    return [item for item in answer[key] if isinstance(item, dict)]


def member(data: dict, key: str) -> dict:
    """The object under a key, an empty one where there is none."""
    return data[key] if isinstance(data.get(key), dict) else {}


def text(value: object, most: int = MOST_TEXT) -> str:
    """One line without control characters."""
    plain = "".join(c if c.isprintable() else " " for c in value) if isinstance(value, str) else ""
    return " ".join(plain.split())[:most]


def identifier(value: object) -> str | None:
    """A clip's number as text."""
    found = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return found if re.fullmatch("[0-9]{1,20}", found) else None


def link(value: object) -> str | None:
    """An http or https address with a host and nothing that an address does not have."""
    if not isinstance(value, str) or not re.fullmatch(r"https?://[^\s<>\"\\^`{|}\x00-\x20\x7f-\x9f]{1,2000}", value):
        return None
    try:
        return value if value.isprintable() and urlsplit(value).hostname else None
    except ValueError:
        return None


def pixels(value: object) -> int | None:
    found = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LARGEST
    return value if found else None


def seconds(value: object) -> float:
    """A length; 0 where it is not known."""
    known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if known and 0 <= value <= LONGEST else 0.0


def rendition(url: object, width: object, height: object, kind: object = None) -> dict | None:
    """One mp4 file of a clip, `{url, width, height}`; sides that are not known are None. None for any other file.

    `kind` is its media type where the site says it; a playlist is one whatever it is called.
    """
    address = link(url)
    ending = PurePosixPath(urlsplit(address).path).suffix.lower() if address else ""
    if address and (ending == ".mp4" if kind is None else kind == MP4 and ending not in PLAYLISTS):
        return {"url": address, "width": pixels(width), "height": pixels(height)}
    return None
