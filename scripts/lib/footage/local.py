"""The user's own clips and pictures: what they are, what they show, and whom to credit."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from scripts.lib.documents import read_document
from scripts.lib.errors import UserError
from scripts.lib.media import AUDIO, PICTURE, VIDEO, MediaError, probe

LEAST_SIDE = 64
"""Pixels: an icon or a tracking pixel, blown up to a phone's screen, shows nothing."""
MOST_TEXT = 2_000
"""Characters of a description: the model reads 256 tokens, about a thousand."""
SIDE_TEXTS = (".txt", ".yaml", ".yml", ".json")
CREDITS = ("author", "licence", "page")
CAMERA = {"img", "dsc", "dscn", "dscf", "mvi", "mov", "vid", "pxl", "gopr", "dji", "fps", "hd", "uhd"}
"""What cameras and downloads put into names."""


def entries(files: list[str], folder: str) -> tuple[list[dict], list[dict]]:
    """What each clip and picture among `files` is and shows, in the order of their paths; and which are refused, why.

    Beside `sea.mp4`, `sea.txt` says in plain words what it shows; `sea.yaml` or `sea.json` may hold `description`,
    `author`, `licence` and `page`. Other files are passed over.
    """
    found, refused = [], []
    paths = sorted(Path(file) for file in files)
    root = Path(folder).resolve()
    inside = {path for path in paths if path.resolve().is_relative_to(root)}
    for path in paths:
        if path.suffix.lower() in VIDEO | PICTURE | AUDIO:
            try:
                found.append(entry(path, Path(folder), inside))
            except UserError as error:
                refused.append({"path": path.as_posix(), "why": str(error)})
    return found, refused


def entry(path: Path, folder: Path, inside: set[Path]) -> dict:
    """One clip or picture of the index, its vector aside; `inside` are the files that truly lie in the folder.

    Raises MediaError for a file that cannot be shown, UserError for side text that cannot be read: without it, the
    author would go uncredited.
    """
    if path.suffix.lower() in AUDIO:
        raise MediaError("is sound alone; music is set by music.path")
    if path not in inside:
        raise MediaError("is a link that leads out of the folder")
    media = probe(path)
    if min(media.width, media.height) < LEAST_SIDE:
        raise MediaError(f"is too small: {media.width}x{media.height} pixels, at least {LEAST_SIDE} a side are needed")
    name = path.relative_to(folder)
    texts = [side_text(path.with_suffix(suffix)) for suffix in SIDE_TEXTS if path.with_suffix(suffix) in inside]
    described = [words(name.with_suffix("").as_posix()), *(text["description"] for text in texts)]
    return {
        "provider": "local",
        "id": name.as_posix(),
        "path": path.as_posix(),
        "kind": media.kind,
        "description": ". ".join(filter(None, described))[:MOST_TEXT],
        **{key: next((text[key] for text in texts if text[key]), None) for key in CREDITS},
        "size": [media.width, media.height],
        "duration": media.duration if media.kind == "video" else None,
    }


def words(name: str) -> str:
    """The words in a path: `Beach trip/IMG_2041-sunsetWaves` is `Beach trip sunset Waves`."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFC", name))
    letters = "".join(character if unicodedata.category(character)[0] in "LM" else " " for character in apart)
    return " ".join(part for part in letters.split() if part.lower() not in CAMERA and (len(part) > 1 or part > "~"))


def side_text(path: Path) -> dict[str, str]:
    """What a file beside a clip says: `description`, `author`, `licence` and `page`, empty where it does not.

    Raises UserError.
    """
    if path.suffix == ".txt":
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            data = {"description": file.read(MOST_TEXT)}
    else:
        data = read_document(path)
    if not isinstance(data, dict):
        raise UserError(f"{path.as_posix()}: must be a mapping of description, author, licence and page")
    data.setdefault("licence", data.get("license"))
    return {key: clean(data.get(key)) for key in ("description", *CREDITS)}


def clean(text: object) -> str:
    return " ".join(text.split())[:MOST_TEXT] if isinstance(text, str) else ""
