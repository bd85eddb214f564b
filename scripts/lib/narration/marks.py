"""When each word of a text is spoken, by a voice that tells when it makes each of its sounds."""

import re
import unicodedata
from collections.abc import Callable
from itertools import pairwise

from scripts.lib.alignment import pairs

Sound = tuple[str, float, float]
"""A sound or mark of the phonetic alphabet, a space or a punctuation mark, and its start and end in seconds."""

STRESS = "ˈˌːˑʲ"
"""What says how a sound is made, and differs between a word by itself and the same word in a sentence."""


def word_marks(text: str, sounds: list[Sound], alone: Callable[[str], str]) -> list[dict] | None:
    """The marks of narration.json, from the sounds of a text; None without any, or where they are not the text's.

    The voice does not say which sounds are of which word, runs `of the` together and makes four words of `1984`. So
    each word is asked for by itself (`alone`), and what that gives is laid beside what was spoken.
    """
    words = [(found.start(), found[0]) for found in re.finditer(r"\S*\w\S*", text)]
    expected = [(word, sound) for word, (_, token) in enumerate(words) for sound in alone(token) if _heard(sound)]
    places = [n for n, (sound, _, _) in enumerate(sounds) if _heard(sound)]
    found = pairs([sound for _, sound in expected], [sounds[n][0] for n in places])
    if not found or 2 * len(found) < len(places):
        return None
    owners: list[int | None] = [None] * len(sounds)
    for wanted, heard in found:
        owners[places[heard]] = expected[wanted][0]
    owners = _filled(owners, sounds, len(words))
    spans: dict[int, tuple[float, float]] = {}
    for owner, n in sorted((owners[n], n) for n in places):
        start, _ = spans.get(owner, (sounds[n][1], 0.0))
        spans[owner] = start, sounds[n][2]
    return [
        {"start": round(start, 6), "end": round(end, 6), "offset": words[word][0], "length": len(words[word][1])}
        for word, (start, end) in spans.items()
    ]


def _heard(sound: str) -> bool:
    return sound not in STRESS and unicodedata.category(sound[0])[0] in "LM"


def _filled(owners: list[int | None], sounds: list[Sound], count: int) -> list[int]:
    """Every sound with the word it is of: one that was not found goes with its neighbours up to the next space, and a
    whole spoken word that was not found is the text's next word, if nothing else is."""
    spaces = [-1, *(n for n, (sound, _, _) in enumerate(sounds) if sound == " "), len(sounds)]
    filled: list[int] = []
    last = -1
    for before, after in pairwise(spaces):
        known = [owner for owner in owners[before + 1 : after] if owner is not None]
        following = next((owner for owner in owners[after:] if owner is not None), count)
        owner = known[0] if known else min(last + 1, following) if last + 1 < following else max(last, 0)
        for n in range(before + 1, min(after + 1, len(sounds))):
            owner = owners[n] if owners[n] is not None else owner
            filled.append(owner)
        last = max([last, *filled[before + 1 : after]])
    return filled
