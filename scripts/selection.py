"""Choose the clip that each scene of a video shows."""

from pathlib import Path

from scripts.lib.assignment import assign, deal
from scripts.lib.errors import UserError
from scripts.lib.files import read_json, write_json
from scripts.lib.job import job, warn
from scripts.lib.problems import nearest, printable

CHOICE = ("provider", "id", "path", "page", "author", "licence", "url", "size")
"""What is kept of a clip: all that the scene's further jobs depend on."""
FIT = 0.1
"""What a perfect orientation, resolution or length is worth, as similarity. Right and wrong clips differ by 0.1 to 0.4
in similarity: the three together decide between clips that show what is wanted, and seldom for one that does not."""
BEST = 1 + 3 * FIT
STOCK = ("pexels", "pixabay")
MOST_NAMES = 10
POINTS = 10_000
"""Steps in a unit of score: similarity has four digits."""
MOST_RANKS = 1_000
"""Places of a ranking: candidates has at most 100 clips of each provider."""


def selection(
    offered: dict[str, list[dict]],
    avoid: list[dict],
    scenes: dict[str, dict],
    providers: list[str],
    min_similarity: float,
    width: int,
    height: int,
) -> dict[str, list[dict]]:
    """For each scene the clip it shows and then, in order, what it could show instead.

    `offered` are the scenes' candidates, `avoid` what other videos show. `scenes` holds each scene's `duration`
    in seconds, its `pin` (a path, or provider:id, or None) and what it is to `reject`.

    The choice is the best for the video as a whole. What counts, in this order: no clip twice; no background that is
    to be avoided (other clips to be avoided are not used at all); the `rank`s; the `score`s. A pinned scene shows its
    pin, come what may, and no other scene does where another clip is left.

    Raises UserError for a pin that names nothing, and for a scene that is left with nothing.
    """
    clips = {name(clip): clip for candidates in offered.values() for clip in candidates}
    avoided = {name(clip) for clip in avoid}
    step = len(scenes) * round((BEST + 1) * POINTS) + 1  # one step of rank outweighs the scores of all scenes
    last = len(scenes) * step * (len(providers) + 1) + 1  # and one avoided background the ranks of all

    def cost(clip: dict, duration: float) -> int:
        points = round((BEST - score(clip, duration, width, height)) * POINTS)
        return last * (name(clip) in avoided) + step * rank(clip, providers, min_similarity) + points

    costs: dict[str, dict[str, int]] = {}
    for scene, wish in scenes.items():
        if pin := wish["pin"]:
            clips[pin] = clips.get(pin) or pinned(scene, pin, clips) | {"size": [width, height]}
            costs[scene] = {pin: 0}
        else:
            without = {*wish["reject"], *(clip for clip in avoided if not drawn(clip))}
            usable = [clip for clip in offered[scene] if name(clip) not in without]
            costs[scene] = {name(clip): cost(clip, wish["duration"]) for clip in usable}
        if not costs[scene]:
            raise UserError(
                f"scene {scene}: no clip is left to show: none is on offer that is not rejected or used in a video to "
                "avoid; add footage, reject less, or add procedural to stock.providers"
            )
    chosen = assign(costs)
    others = alternates(costs, chosen)
    return {scene: [clips[clip] for clip in (chosen[scene], *others[scene])] for scene in scenes}


def name(clip: dict) -> str:
    """What scripts call a clip: a local one by its path, any other `provider:id`."""
    return clip["path"] or f"{clip['provider']}:{clip['id']}"


def drawn(clip: str) -> bool:
    """Whether a clip, by its name, is a generated background, of which there is one for every scene if need be."""
    return clip.startswith("procedural:")


def pinned(scene: str, pin: str, clips: dict[str, dict]) -> dict:
    """A pinned clip that is offered to no scene: any file of the workspace, in the footage folder or not, or a stock
    site's clip, which is looked up when it is fetched. Of neither is the size known, nor whom to credit."""
    provider, _, id_ = pin.partition(":")
    if provider in STOCK:
        return dict.fromkeys(CHOICE) | {"provider": provider, "id": id_}
    if not Path(pin).is_file():
        unknown = f"{printable(pin)} is neither a file of the workspace nor a clip on offer"
        raise UserError(f"scene {scene}: footage: {unknown}{nearest(pin, clips)}")
    return dict.fromkeys(CHOICE) | {"provider": "local", "id": pin, "path": pin}


def rank(clip: dict, providers: list[str], min_similarity: float) -> int:
    """Which clips come first, whatever their score: the earlier provider's, of those that are similar enough, or fit in
    a language model's judgement; then the generated backgrounds, which suit anything; last, clips that show something
    else."""
    fits = clip.get("fits")
    if clip["similarity"] >= min_similarity if fits is None else fits:
        return providers.index(clip["provider"])
    return len(providers) + (clip["provider"] != "procedural")


def score(clip: dict, duration: float, width: int, height: int) -> float:
    """How well a clip suits a scene of `duration` seconds: its similarity, and a little for each way in which it fits;
    or by its rank, where a language model put the scene's clips in order, these ways considered.

    Orientation: the share of its picture that is left when it is cropped to the frame's shape. Resolution: how much of
    the frame's width the crop fills with pixels of its own. Length: how much of the scene it lasts before it is
    repeated; pictures and generated backgrounds last as long as wanted.
    """
    if clip.get("rank"):
        return 1 - min(clip["rank"], MOST_RANKS) / MOST_RANKS
    wide, high = clip["size"]
    crop = min(wide, high * width / height)
    orientation = crop * (crop * height / width) / (wide * high)
    resolution = min(1.0, crop / width)
    length = 1.0 if clip["duration"] is None else min(1.0, clip["duration"] / duration)
    return clip["similarity"] + FIT * (orientation + resolution + length)


def alternates(costs: dict[str, dict[str, int]], chosen: dict[str, str]) -> dict[str, list[str]]:
    """For each scene what it shows if its choice cannot be had, best first: clips that no other scene shows, nor would
    show, so that two scenes which lose their clips at once never show the same. A scene for which no background is left
    ends with those of other scenes: better one twice than none.
    """
    free = {clip for offered in costs.values() for clip in offered} - set(chosen.values())
    filmed = deal(costs, {clip for clip in free if not drawn(clip)})
    painted = deal(costs, {clip for clip in free if drawn(clip)})
    found = {}
    for scene, offered in costs.items():
        last = [] if painted[scene] else [clip for clip in offered if drawn(clip) and clip != chosen[scene]]
        own, others = (sorted(clips, key=lambda c: (offered[c], c)) for clips in (filmed[scene] + painted[scene], last))
        found[scene] = own + others
    return found


def unfilmed(choices: dict[str, list[dict]], scenes: dict[str, dict], sources: dict[str, list[str]]) -> str:
    """What to tell those who asked stock sites and still get a generated background, where they did not pin it."""
    names = [
        scene
        for scene, (choice, *_) in choices.items()
        if choice["provider"] == "procedural" and sources[scene] and not scenes[scene]["pin"]
    ]
    if not names:
        return ""
    sites = " or ".join(sorted({site for scene in names for site in sources[scene]}))
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    who = f"scene{'s' * (len(names) > 1)} {', '.join(names[:MOST_NAMES])}{more}"
    why = f"no clip of {sites} is left that is similar enough, so a generated background is shown"
    return f"{who}: {why}; give searchTerms, or lower selection.min_similarity"


if __name__ == "__main__":
    with job(snakemake.log[0]):
        settings = dict(snakemake.params.settings)
        avoid = [*(read_json(path) for path in snakemake.input.avoid), *settings.pop("replaced")]
        listed = [read_json(path) for path in snakemake.input.candidates]
        choices = selection(
            offered={scene["scene"]: scene["candidates"] for scene in listed},
            avoid=avoid,
            **settings,
        )
        for scene, clips in choices.items():
            choice, *others = ({key: clip[key] for key in CHOICE} for clip in clips)
            write_json(f"{snakemake.output.selection}/{scene}.json", choice)
            write_json(f"{snakemake.output.selection}/{scene}.alternates.json", {"alternates": others})
        sources = {scene["scene"]: scene["sources"] for scene in listed}
        if message := unfilmed(choices, settings["scenes"], sources):
            warn(message)
