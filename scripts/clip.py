"""Fetch the clip that a scene is to show; where it cannot be had, the next best."""

import importlib
import tempfile
from pathlib import Path

import yaml

from scripts.lib import picture
from scripts.lib.errors import UserError
from scripts.lib.files import read_json, replacing, write_json
from scripts.lib.footage.renditions import fitting
from scripts.lib.footage.sites import SITES, service
from scripts.lib.job import job, warn
from scripts.lib.media import PICTURE, MediaError, ffmpeg, probe
from scripts.lib.net.clips import copy, fetch
from scripts.lib.net.download import DownloadError
from scripts.lib.net.errors import ServiceError
from scripts.lib.net.ledger import QuotaError
from scripts.lib.sources import ROOT

GONE = (403, 404, 410)
"""Statuses of a link that has expired."""
OUTAGE = 3
"""Clips in a row that fail for the network's sake: what is tried after them will too."""
MOST_LOOKUPS = 3
"""Of a scene: where a fresh link helped so few, it helps none, and each costs a request of the quota."""
MOST_TOLD = 5
FPS = 30
STILL = 10
"""Seconds for which a picture moves, before it does so again."""
LARGEST = 1920
"""Pixels of the longer side of a clip that is made of a picture."""


def clip(scene: str, choice: dict, alternates: list[dict], target: Path, config: dict) -> dict:
    """Write a scene's clip to `target`: its choice, else the first of the alternates that can be had.

    Returns the content of clip.json. `config` is the run's. Raises UserError where none can be had, and where the
    network seems to be down: then the choice may be there the next time, and a background, which always is, would
    stand in for it for good.
    """
    if choice["provider"] not in SITES:
        raise UserError(f"scene {scene}: shows {name(choice)}, which is not fetched from a stock site")
    failed: list[dict] = []
    in_a_row = 0
    for wanted in [choice, *alternates]:
        outage = in_a_row == OUTAGE or (0 < in_a_row == len(failed) and wanted["provider"] == "procedural")
        if outage:
            break
        try:
            became = obtain(wanted, target, config, lookups=len(failed) < MOST_LOOKUPS)
        except (DownloadError, ServiceError, QuotaError, MediaError) as error:
            failed.append({"provider": wanted["provider"], "id": wanted["id"], "why": str(error)})
            in_a_row = in_a_row + 1 if may_pass(error) else 0
        except OSError as error:
            where = f"{error.filename or target}: {error.strerror or error}"
            raise UserError(f"scene {scene}: its clip cannot be written: {where}; make room, and run again") from None
        else:
            if failed:
                warn(f"{name(became)} is shown instead of {told(failed)}")
            return became | {"instead_of": failed}
    if in_a_row == OUTAGE:
        down = f"the network fails: {told(failed[-OUTAGE:])}; run again when it is back, nothing is lost"
        raise UserError(f"scene {scene}: {down}")
    do = "reject what is gone for good, add footage" if alternates else "name another as its `footage`"
    raise UserError(f"scene {scene}: no clip can be had: {told(failed)}; {do}, or run again later")


def obtain(wanted: dict, target: Path, config: dict, lookups: bool) -> dict:
    """Write one clip to `target`; returns what it is, without `instead_of`.

    A clip without a link, and with `lookups` one whose link has expired, is looked up by its id. Raises DownloadError,
    ServiceError, QuotaError, MediaError.
    """
    if wanted["provider"] not in SITES:
        made = paint if wanted["provider"] == "procedural" else copy_own
        made(wanted, target)
        return wanted
    found = wanted if wanted["url"] else looked_up(wanted, config, cached=True)
    try:
        fetch(found, found["url"], target, config)
    except DownloadError as error:
        if error.status not in GONE or not lookups:
            raise
        try:
            url = looked_up(wanted, config)["url"]
        except (ServiceError, QuotaError) as other:
            why = f"{error}, and looked up by its id: {other}"
            raise DownloadError(why, error.status, may_pass(other)) from None
        fetch(found, url, target, config)
    return found


def copy_own(wanted: dict, target: Path) -> None:
    """Write a clip of the user's own, or a picture as a clip that moves. Raises MediaError."""
    own = Path(wanted["path"])
    if not own.is_file():
        raise MediaError("is not there any more")
    probe(own)
    if own.suffix.lower() not in PICTURE:
        copy(own, target)
        return
    share = min(1, LARGEST / max(wanted["size"]))
    width, height = (int(side * share) // 2 * 2 for side in wanted["size"])
    with tempfile.TemporaryDirectory() as folder, replacing(target) as part:
        still = Path(folder) / "still.png"
        picture.still(own, still, width, height)
        motion = ",".join(picture.moving(own, STILL * FPS, width, height))
        encoder = ["-c:v", "libx264", "-preset", "superfast", "-crf", 18, "-threads", 1, "-flags:v", "+bitexact"]
        ffmpeg("-framerate", FPS, "-i", still, "-vf", motion, "-frames:v", STILL * FPS, *encoder, part.resolve())


def paint(wanted: dict, target: Path) -> None:
    """Write a generated background. Raises MediaError.

    Its painters are imported by name, so that they are no inputs of this rule: a new brush stroke would have every
    clip looked at anew, and every scene with stock footage rendered.
    """
    catalogue = yaml.safe_load((ROOT / "config/backgrounds.yaml").read_text(encoding="utf-8"))
    if wanted["id"] not in catalogue:
        raise MediaError("is not in config/backgrounds.yaml any more")
    width, height = wanted["size"]
    orientation = "landscape" if width > height else "portrait"
    background = importlib.import_module("scripts.background").background
    background(wanted["id"], catalogue[wanted["id"]], orientation, target)


def looked_up(wanted: dict, config: dict, cached: bool = False) -> dict:
    """A clip as its site has it, with the file that suits the size wanted; now, or `cached` within the last week.

    Raises ServiceError, QuotaError.
    """
    lookup = SITES[wanted["provider"]].lookup
    with service(wanted["provider"], config) as site:
        found = (cached and lookup(site, wanted["id"], cached=True)) or lookup(site, wanted["id"])
    if not found:
        raise ServiceError(f"{wanted['provider']}: has no such clip")
    file = fitting(found["renditions"], *wanted["size"])
    return {
        **{key: found[key] for key in ("provider", "id", "page", "author", "licence")},
        "path": None,
        "url": file["url"],
        "size": [file["width"], file["height"]],
    }


def may_pass(error: UserError) -> bool:
    """Whether it is no fault of the clip, so that another time it may be had."""
    return isinstance(error, QuotaError) or getattr(error, "transient", False)


def name(clip: dict) -> str:
    """What scripts call a clip."""
    return clip.get("path") or f"{clip['provider']}:{clip['id']}"


def told(failed: list[dict]) -> str:
    """Which clips cannot be had, and why."""
    more = f", and {len(failed) - MOST_TOLD} more" if len(failed) > MOST_TOLD else ""
    return ", ".join(f"{name(clip)} ({clip['why']})" for clip in failed[:MOST_TOLD]) + more


if __name__ == "__main__":
    with job(snakemake.log[0]):
        became = clip(
            snakemake.wildcards.scene,
            read_json(snakemake.input.selection),
            read_json(snakemake.input.alternates)["alternates"],
            Path(snakemake.output.clip),
            snakemake.config,
        )
        write_json(snakemake.output.about, became)
