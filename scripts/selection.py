"""Choose the clip that each scene of a video shows."""

from pathlib import Path

from scripts.lib.assignment import assign
from scripts.lib.errors import UserError
from scripts.lib.files import read_json, write_json
from scripts.lib.job import job
from scripts.lib.problems import nearest, printable

CHOICE = ("provider", "id", "path", "page", "author", "licence", "url")
"""What is kept of a clip: all that the scene's further jobs depend on."""
FIT = 0.1
"""What a perfect orientation, resolution or length is worth, as similarity. Right and wrong clips differ by 0.1 to 0.4
in similarity: the three together decide between clips that show what is wanted, and seldom for one that does not."""
BEST = 1 + 3 * FIT
POINTS = 10_000
"""Steps in a unit of score: similarity has four digits."""


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

    `offered` are the scenes' candidates, `avoid` the choices of other videos. `scenes` holds each scene's `duration`
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
            clips[pin] = clips.get(pin) or pinned(scene, pin, clips)
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
    return {scene: [clips[clip] for clip in ranking(costs[scene], chosen[scene], chosen)] for scene in scenes}


def name(clip: dict) -> str:
    """What scripts call a clip: a local one by its path, any other `provider:id`."""
    return clip["path"] or f"{clip['provider']}:{clip['id']}"


def drawn(clip: str) -> bool:
    """Whether a clip, by its name, is a generated background, of which there is one for every scene if need be."""
    return clip.startswith("procedural:")


def pinned(scene: str, pin: str, clips: dict[str, dict]) -> dict:
    """A pinned clip that is offered to no scene: any file of the workspace will do, in the footage folder or not."""
    if not Path(pin).is_file():
        unknown = f"{printable(pin)} is neither a file of the workspace nor a clip on offer"
        raise UserError(f"scene {scene}: footage: {unknown}{nearest(pin, clips)}")
    return dict.fromkeys(CHOICE) | {"provider": "local", "id": pin, "path": pin}


def rank(clip: dict, providers: list[str], min_similarity: float) -> int:
    """Which clips come first, whatever their score: the earlier provider's, of those that are similar enough; then the
    generated backgrounds, which suit anything; last, clips that show something else."""
    if clip["similarity"] >= min_similarity:
        return providers.index(clip["provider"])
    return len(providers) + (clip["provider"] != "procedural")


def score(clip: dict, duration: float, width: int, height: int) -> float:
    """How well a clip suits a scene of `duration` seconds: its similarity, and a little for each way in which it fits.

    Orientation: the share of its picture that is left when it is cropped to the frame's shape. Resolution: how much of
    the frame's width the crop fills with pixels of its own. Length: how much of the scene it lasts before it is
    repeated; pictures and generated backgrounds last as long as wanted.
    """
    wide, high = clip["size"]
    crop = min(wide, high * width / height)
    orientation = crop * (crop * height / width) / (wide * high)
    resolution = min(1.0, crop / width)
    length = 1.0 if clip["duration"] is None else min(1.0, clip["duration"] / duration)
    return clip["similarity"] + FIT * (orientation + resolution + length)


def ranking(costs: dict[str, int], choice: str, chosen: dict[str, str]) -> list[str]:
    """A scene's choice; then the clips that no scene shows, best first; then the backgrounds that other scenes show."""
    held = set(chosen.values())
    rest = sorted(costs.keys() - {choice}, key=lambda clip: (costs[clip], clip))
    free = [clip for clip in rest if clip not in held]
    shared = [clip for clip in rest if clip in held and drawn(clip)]
    return [choice, *free, *shared]


if __name__ == "__main__":
    with job(snakemake.log[0]):
        listed = [read_json(path) for path in snakemake.input.candidates]
        choices = selection(
            offered={scene["scene"]: scene["candidates"] for scene in listed},
            avoid=[read_json(path) for path in snakemake.input.avoid],
            **snakemake.params.settings,
        )
        for scene, clips in choices.items():
            choice, *alternates = ({key: clip[key] for key in CHOICE} for clip in clips)
            write_json(f"{snakemake.output.selection}/{scene}.json", choice)
            write_json(f"{snakemake.output.selection}/{scene}.alternates.json", {"alternates": alternates})
