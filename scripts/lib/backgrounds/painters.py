"""The painters by name, and recipes: what a painter is asked to paint, as the user writes it."""

import difflib
import inspect
import re
from collections.abc import Iterator

import numpy as np

from scripts.lib.backgrounds.aurora import aurora
from scripts.lib.backgrounds.city import city
from scripts.lib.backgrounds.clouds import clouds
from scripts.lib.backgrounds.dunes import dunes
from scripts.lib.backgrounds.fire import fire
from scripts.lib.backgrounds.forest import forest
from scripts.lib.backgrounds.gold import gold
from scripts.lib.backgrounds.mountains import mountains
from scripts.lib.backgrounds.network import network
from scripts.lib.backgrounds.petals import petals
from scripts.lib.backgrounds.rain import rain
from scripts.lib.backgrounds.sea import sea
from scripts.lib.backgrounds.silk import silk
from scripts.lib.backgrounds.snow import snow
from scripts.lib.backgrounds.stars import stars
from scripts.lib.backgrounds.storm import storm
from scripts.lib.backgrounds.underwater import underwater
from scripts.lib.errors import UserError

PAINTERS = {
    painter.__name__: painter
    for painter in (
        *(aurora, city, clouds, dunes, fire, forest, gold, mountains, network),
        *(petals, rain, sea, silk, snow, stars, storm, underwater),
    )
}
FPS = 30
PAINTED = 2
"""Frames are painted at this fraction of the clip's size: on a phone no more is seen, and it takes a quarter of the
time."""
SOFT = {"city": 3}
"""Painters of nothing sharp, and theirs."""
SECONDS = 4, 12
FACTOR = 0.25, 4
"""Bounds of a painter's numbers, all of which are factors: 1 is what it was made for."""


def paint(name: str, recipe: dict, width: int, height: int) -> Iterator[np.ndarray]:
    """The frames of a background for a clip of `width` x `height`: one loop at FPS frames a second.

    They are float32 of shape (3, rows, columns), smaller than the clip.

    Raises UserError where the recipe asks for what its painter does not know.
    """
    if faults := list(_faults(name, recipe)):
        raise UserError(f"config/backgrounds.yaml: {name}: " + "; ".join(faults))
    wishes = {key: value for key, value in recipe.items() if key in _wishes(recipe["painter"])}
    part = SOFT.get(recipe["painter"], PAINTED)
    frames, rng = round(recipe["seconds"] * FPS), np.random.default_rng(recipe["seed"])
    return PAINTERS[recipe["painter"]](width // part, height // part, frames, rng, **wishes)


def _wishes(painter: str) -> dict[str, tuple | float]:
    """What a recipe may ask of a painter, with its own choice: its palette and its factors."""
    return {
        key: parameter.default
        for key, parameter in inspect.signature(PAINTERS[painter]).parameters.items()
        if parameter.default is not parameter.empty
    }


def _faults(name: str, recipe: dict) -> Iterator[str]:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        yield "a name is made of the letters a-z, digits and hyphens, and starts with none of these last"
    painter = recipe.get("painter") if isinstance(recipe, dict) else None
    if not isinstance(painter, str) or painter not in PAINTERS:
        yield f"painter: {painter!r} is none of {', '.join(PAINTERS)}"
        return
    wishes = _wishes(painter)
    if not _number(recipe.get("seconds"), *SECONDS):
        yield f"seconds: a number from {SECONDS[0]} to {SECONDS[1]}"
    if not _number(recipe.get("seed"), 0, 2**32) or isinstance(recipe["seed"], float):
        yield "seed: a whole number from 0 up"
    for key, value in recipe.items():
        if key in ("description", "painter", "seconds", "seed"):
            continue
        if key not in wishes:
            allowed = [*wishes, "description", "painter", "seconds", "seed"]
            near = difflib.get_close_matches(str(key), allowed, 1)
            yield f"{key}: unknown to {painter}" + (
                f"; is it {near[0]}?" if near else f"; it takes {', '.join(wishes)}"
            )
        elif isinstance(wishes[key], tuple):
            if not _palette(value, len(wishes[key])):
                yield f"{key}: a list of {len(wishes[key])} colours like '{wishes[key][0]}'"
        elif not _number(value, *FACTOR):
            yield f"{key}: a number from {FACTOR[0]} to {FACTOR[1]}"


def _number(value: object, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _palette(value: object, count: int) -> bool:
    colours = value if isinstance(value, list | tuple) else []
    return len(colours) == count and all(re.fullmatch("#[0-9a-fA-F]{6}", str(colour)) for colour in colours)
