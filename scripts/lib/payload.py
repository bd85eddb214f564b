"""A request of short-video-maker as a script of ours: what it means here, and what means nothing here."""

from scripts.lib.problems import Fault, nearest

SIZES = {"portrait": {"width": 1080, "height": 1920}, "landscape": {"width": 1920, "height": 1080}}
MUSIC = {"muted": {"path": ""}, "low": {"volume_db": -14.0}, "medium": {"volume_db": -6.9}, "high": {"volume_db": -3.1}}
"""Its gains of 0.2, 0.45 and 0.7 in decibels."""

INSTEAD = {
    "voice": "choose narration.voice",
    "ttsEngine": "choose narration.engine",
    "music": "name a file in music.path",
    "paddingBack": "set narration.pad_after",
    "captionBackgroundColor": "choose captions.style",
}


def is_payload(data: object) -> bool:
    """Whether a document is a request: its scenes have search terms, but no ids and no visual directions."""
    if not isinstance(data, dict) or "schemaVersion" in data or not isinstance(data.get("scenes"), list):
        return False
    keys = {key for scene in data["scenes"] if isinstance(scene, dict) for key in scene}
    return not keys & {"id", "visualDirection"} and ("searchTerms" in keys or "config" in data)


def script_of(payload: dict) -> dict:
    """The request as a script; a faulty scene stays as it is, to be reported."""
    return {"scenes": [_scene(f"s{number:02}", scene) for number, scene in enumerate(payload["scenes"], 1)]}


def _scene(name: str, scene: object) -> object:
    if not isinstance(scene, dict):
        return scene
    terms = scene.get("searchTerms")
    seen = ", ".join(term for term in terms if isinstance(term, str)) if isinstance(terms, list) else ""
    return {"id": name, "text": scene.get("text"), "visualDirection": seen, "searchTerms": terms}


def settings_of(payload: dict) -> dict:
    """What the request sets, in the shape of a project's config.yaml."""
    config = payload.get("config", {})
    found = {
        "video": SIZES.get(config.get("orientation")),
        "captions": {"position": config["captionPosition"]} if "captionPosition" in config else None,
        "music": MUSIC.get(config.get("musicVolume")),
    }
    return {section: values for section, values in found.items() if values}


def unused(payload: dict, schema: dict) -> list[Fault]:
    """What the request says that has no meaning here, as faults that stop nothing."""
    scene = schema["properties"]["scenes"]["items"]["properties"]
    config = schema["properties"]["config"]["properties"]
    found = [((key,), schema["properties"]) for key in payload]
    found += [(("config", key), config) for key in payload.get("config", {})]
    found += [(("scenes", n, key), scene) for n, item in enumerate(payload["scenes"]) for key in item]
    return [(path, _unused(path[-1], known)) for path, known in found if path[-1] not in known]


def _unused(key: str, known: dict) -> str:
    instead = f"; {INSTEAD[key]} in the project's config.yaml" if key in INSTEAD else nearest(key, known)
    return f"is not used{instead}"
