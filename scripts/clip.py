"""Fetch the clip that a scene is to show; where it cannot be had, the next best."""

from pathlib import Path

from scripts.lib.errors import UserError
from scripts.lib.files import read_json, write_json
from scripts.lib.footage.renditions import fitting
from scripts.lib.footage.sites import SITES, service
from scripts.lib.job import job, warn
from scripts.lib.media import PICTURE, MediaError, probe
from scripts.lib.net.clips import copy, fetch
from scripts.lib.net.download import DownloadError
from scripts.lib.net.errors import ServiceError
from scripts.lib.net.ledger import QuotaError

GONE = (403, 404, 410)
"""Statuses of a link that has expired."""
OUTAGE = 3
"""Clips in a row that fail for the network's sake: what is tried after them will too."""
MOST_LOOKUPS = 3
"""Of a scene: where a fresh link helped so few, it helps none, and each costs a request of the quota."""
MOST_TOLD = 5


def clip(scene: str, choice: dict, alternates: list[dict], target: Path, config: dict) -> dict:
    """Write a scene's clip to `target`: its choice, else the first of the alternates that can be had and is a clip.

    Returns the content of clip.json. `config` is the run's. Raises UserError where none can be had, and where the
    network seems to be down: then the choice may be there the next time.
    """
    if choice["provider"] not in SITES:
        raise UserError(f"scene {scene}: shows {name(choice)}, which is not fetched from a stock site")
    failed: list[dict] = []
    in_a_row = 0
    for wanted in [choice, *filter(can_be_fetched, alternates)]:
        try:
            became = obtain(wanted, target, config, lookups=len(failed) < MOST_LOOKUPS)
        except (DownloadError, ServiceError, QuotaError, MediaError) as error:
            failed.append({"provider": wanted["provider"], "id": wanted["id"], "why": str(error)})
            in_a_row = in_a_row + 1 if may_pass(error) else 0
            if in_a_row == OUTAGE:
                raise UserError(
                    f"scene {scene}: the network fails: {told(failed[-OUTAGE:])}; run again when it is back, nothing "
                    "is lost"
                ) from None
        except OSError as error:
            where = f"{error.filename or target}: {error.strerror or error}"
            raise UserError(f"scene {scene}: its clip cannot be written: {where}; make room, and run again") from None
        else:
            if failed:
                warn(f"{name(became)} is shown instead of {told(failed)}")
            return became | {"instead_of": failed}
    do = "reject what is gone for good, add footage" if alternates else "name another as its `footage`"
    raise UserError(f"scene {scene}: no clip can be had: {told(failed)}; {do}, or run again later")


def can_be_fetched(clip: dict) -> bool:
    """Whether a clip can become a file of the scene's own: not a picture, nor a background, which is drawn."""
    return clip["provider"] in SITES or bool(clip["path"] and Path(clip["path"]).suffix.lower() not in PICTURE)


def obtain(wanted: dict, target: Path, config: dict, lookups: bool) -> dict:
    """Write one clip to `target`; returns what it is, without `instead_of`.

    A clip without a link, and with `lookups` one whose link has expired, is looked up by its id. Raises DownloadError,
    ServiceError, QuotaError, MediaError.
    """
    if wanted["provider"] not in SITES:
        if not Path(wanted["path"]).is_file():
            raise MediaError("is not there any more")
        probe(wanted["path"])
        copy(Path(wanted["path"]), target)
        return wanted
    if not wanted["url"]:
        found = looked_up(wanted, config)
        fetch(found, found["url"], target, config)
        return found
    try:
        fetch(wanted, wanted["url"], target, config)
    except DownloadError as error:
        if error.status not in GONE or not lookups:
            raise
        try:
            url = looked_up(wanted, config)["url"]
        except (ServiceError, QuotaError) as other:
            why = f"{error}, and looked up by its id: {other}"
            raise DownloadError(why, error.status, may_pass(other)) from None
        fetch(wanted, url, target, config)
    return wanted


def looked_up(wanted: dict, config: dict) -> dict:
    """A clip as its site has it now, with the file that suits the size wanted. Raises ServiceError, QuotaError."""
    with service(wanted["provider"], config) as site:
        found = SITES[wanted["provider"]].lookup(site, wanted["id"])
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
