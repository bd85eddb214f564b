"""Read a script, content-machine's own format or a request of short-video-maker, into scenes in spoken order."""

import functools
import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from scripts.lib.config import schema, shaped, validator
from scripts.lib.documents import read_document
from scripts.lib.errors import UserError
from scripts.lib.llm.costs import cost_of
from scripts.lib.payload import is_payload, script_of, settings_of, unused
from scripts.lib.problems import Fault, dotted, faults, nearest, printable, report

CLIPS = {"pexels": r"[0-9]{1,20}", "pixabay": r"[0-9]{1,20}", "procedural": r"[a-z0-9][a-z0-9-]*"}
"""Providers whose clips a script may name as `provider:id`, and what their ids look like."""


@dataclass(frozen=True)
class Script:
    """What a script says.

    `scenes` by id, in spoken order: id, text, visual, duration (seconds or None), terms, footage (a path relative to
    the workspace, `provider:id` or None), reject (in the same form), mood (or None) and sources.
    `settings` is what the script itself sets, in the shape of a project's config.yaml. `cost` is what its writing by a
    language model took, as of `cost_of`.
    """

    title: str
    hashtags: list[str]
    scenes: dict[str, dict]
    settings: dict
    warnings: list[str]
    cost: dict | None


def read_script(path: Path) -> tuple[Script | None, list[str]]:
    """The script in a JSON or YAML file, or all that is wrong with it, a line each: file, scene, field, what to do."""
    where = path.as_posix()
    try:
        data = read_document(path)
    except UserError as error:
        return None, [str(error)]
    payload = is_payload(data)
    kind = "payload" if payload else "script"
    data = shaped(_without_nulls(data), schema(kind), fill=False)
    place = functools.partial(_place, data)
    found = faults(validator(kind), data)
    scenes, more = _scenes(script_of(data) if payload else data, path.parent)
    known = {path for path, _ in found}
    if found := found + [fault for fault in more if fault[0] not in known]:
        return None, report(where, found, place)
    return Script(
        title=_clean(data.get("title", "")),
        hashtags=[tag for tag in (_clean(tag).lstrip("# ") for tag in data.get("hashtags", [])) if tag],
        scenes={scene["id"]: scene for scene in scenes},
        settings=settings_of(data) if payload else {},
        warnings=report(where, unused(data, schema(kind)), place) if payload else [],
        cost=cost_of(data.get("meta")),
    ), []


def _without_nulls(data: object) -> object:
    """What is null is as good as absent, at the top and in a scene: language models write it so."""
    if not isinstance(data, dict):
        return data
    top = {key: value for key, value in data.items() if value is not None}
    if isinstance(top.get("scenes"), list):
        top["scenes"] = [
            {key: value for key, value in scene.items() if value is not None} if isinstance(scene, dict) else scene
            for scene in top["scenes"]
        ]
    return top


def _place(data: object, path: tuple) -> str:
    match path:
        case ("scenes", int(number), *field):
            scene = data["scenes"][number]
            name = scene.get("id") if isinstance(scene, dict) else None
            named = f" ({printable(name, 40)})" if name and isinstance(name, str) else ""
            return ", ".join(filter(None, [f"scene {number + 1}{named}", dotted(field)]))
    return dotted(path)


def _scenes(script: object, folder: Path) -> tuple[list[dict], list[Fault]]:
    """The scenes as spoken, and what is wrong with them beyond the schema, whose faults are met here as well."""
    listed = script.get("scenes") if isinstance(script, dict) else None
    scenes: list[dict] = []
    found: list[Fault] = []
    taken: dict[str, str] = {}
    for number, raw in enumerate(listed if isinstance(listed, list) else []):
        if not isinstance(raw, dict):
            continue
        scene, wrong = _scene(raw, folder)
        if same := scene["id"] and taken.get(scene["id"].lower()):
            wrong.append((("id",), f"is taken by {same}; ids must differ, and in more than case"))
        taken.setdefault(scene["id"].lower(), f"scene {number + 1} ({printable(scene['id'], 40)})")
        scenes.append(scene)
        found += [(("scenes", number, *path), words) for path, words in wrong]
    if not scenes:
        return [], found
    first, last = scenes[0], scenes[-1]
    for key, position, spoken, end in (("cta", len(scenes), last, slice(-6, None)), ("hook", 0, first, slice(6))):
        line = _clean(script.get(key))
        if line and key not in taken and not _says(spoken["text"], line, end):
            plain, _ = _scene({"id": key, "text": line}, folder)
            scenes.insert(position, plain | {"visual": first["visual"], "terms": first["terms"]})
            found += [((key,), words) for words in _unspoken(line)]
    return scenes, found


def _scene(raw: dict, folder: Path) -> tuple[dict, list[Fault]]:
    scene = {
        "id": raw["id"] if isinstance(raw.get("id"), str) else "",
        "text": _clean(raw.get("text")),
        "visual": _clean(raw.get("visualDirection")),
        "duration": raw.get("duration"),
        "terms": [_clean(term) for term in _list(raw.get("searchTerms"))],
        "footage": None,
        "reject": [],
        "mood": raw.get("mood"),
        "sources": raw.get("sources", []),
    }
    found: list[Fault] = [(("text",), words) for words in _unspoken(scene["text"])]
    if isinstance(raw.get("footage"), str):
        scene["footage"], wrong = _clip(raw["footage"], folder, needed=True)
        found += [(("footage",), words) for words in wrong]
    for number, name in enumerate(_list(raw.get("reject"))):
        clip, wrong = _clip(name, folder, needed=False)
        scene["reject"].append(clip)
        found += [(("reject", number), words) for words in wrong]
    return scene, found


def _clip(name: object, folder: Path, needed: bool) -> tuple[str, list[str]]:
    """A clip as the footage index names it (a file by its path from the workspace), and what is wrong with the name."""
    if not isinstance(name, str):
        return "", []
    provider, colon, identifier = name.partition(":")
    if colon and "/" not in provider:
        if provider not in CLIPS:
            return name, [f"names the unknown provider {printable(provider, 40)}{nearest(provider, CLIPS)}"]
        if not re.fullmatch(CLIPS[provider], identifier):
            return name, [f"is no clip of {provider}; write its id, as in pexels:1526909 or procedural:aurora"]
        return name, []
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or not path.parts:
        return name, ["must be a file inside the workspace: a relative path with / and without .."]
    for file in (str(path), os.path.normpath(folder / path)):
        if os.path.isfile(file):  # pathlib's own raises for a name that is too long
            return file, []
    missing = ["names a file that is not there; put it into the workspace or beside the script"]
    return str(path), missing if needed else []


def _list(value: object) -> list:
    return value if isinstance(value, list) else []


def _clean(text: object) -> str:
    """Composed characters (NFC), and a single space for any run of white space."""
    return " ".join(unicodedata.normalize("NFC", text).split()) if isinstance(text, str) else ""


def _unspoken(text: str) -> list[str]:
    spoken = any(character.isalnum() for character in text)
    return [] if spoken else ["has no letter and no digit; write what is to be spoken"]


def _says(text: str, line: str, end: slice) -> bool:
    """Whether a scene already says a line, give or take case and punctuation: all of it, or its six words at `end`."""
    text, line = (re.sub(r"[^\w\s]|_", "", part.casefold()).split() for part in (text, line))
    return bool(line) and (" ".join(line) in " ".join(text) or line[end] == text[end])
