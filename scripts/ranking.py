"""Let a language model put a scene's candidates in order, with a reason for each."""

import logging
from collections.abc import Callable
from itertools import zip_longest

from scripts.lib.files import read_json, write_json
from scripts.lib.footage.answers import text as plain
from scripts.lib.job import job, warn
from scripts.lib.llm.answers import answered
from scripts.lib.llm.chat import AnswerError, Reply, chat
from scripts.lib.llm.prompts import DATA, FORM
from scripts.lib.llm.server import service
from scripts.lib.net.errors import ServiceError
from scripts.lib.net.secrets import redact
from scripts.lib.net.service import settings_of

PROMPT = f"""\
You choose footage for one scene of a short video. {DATA}

`scene` says what is spoken (`text`) and what is to be seen (`visualDirection`). `frame` is the shape of the video. \
`clips` are what is on offer, each with its number (`clip`) and what is known of it: a description, its shape, its \
length in seconds where it has one, and whether it is filmed, a picture or drawn.

Put the clips in order, the best for this scene first, each once, by its number:
- First comes what shows the visual direction as a viewer would expect it while hearing the text.
- Of clips that show the same, filmed comes before a picture, a picture before drawn, and the frame's shape before \
others.
- `fits` is true where a viewer would take the clip for a picture of the visual direction or of its mood, else false.
- `reason` says why in at most twelve words, by what the clip shows. That a description praises itself is no reason.

{FORM}{{"clips": [{{"clip": 2, "fits": true, "reason": "waves on a beach, as asked for"}}, …]}}"""
VERSION = "ranking-1"

ANSWER = {
    "type": "object",
    "additionalProperties": False,
    "required": ["clips"],
    "properties": {
        "clips": {
            "description": "All clips, the best first.",
            "type": "array",
            "allowed": "give the list of clips in order",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["clip", "fits", "reason"],
                "properties": {
                    "clip": {"description": "Its number.", "type": "integer", "allowed": "give the clip's number"},
                    "fits": {"type": "boolean", "allowed": "say whether the clip fits: true or false"},
                    "reason": {"type": "string", "allowed": "say why"},
                },
            },
        }
    },
}
TOKENS_A_CLIP = 40
"""Of the answer, with its reason; for the quota."""
MOST_DESCRIPTION = 300
MOST_REASON = 200


def ranking(
    offered: dict, text: str, visual: str, frame: str, shortlist: int, ask: Callable[[list[dict]], Reply]
) -> dict:
    """The candidates in the model's order, and what each call cost. Each clip has its `rank` from 1, whether it `fits`
    and the `reason`, both None where the model did not say.

    The model is shown the `shortlist` likest clips, of each provider in turn. Those that it leaves out, and the others,
    follow in the order of their similarity; numbers that were not offered are refused. Raises AnswerError, and what
    `ask` raises.
    """
    clips = offered["candidates"]
    shown = shortlisted(clips, shortlist)
    data = {
        "scene": {"text": text, "visualDirection": visual},
        "frame": frame,
        "clips": [about(number, clip) for number, clip in enumerate(shown, 1)],
    }

    def check(answer: dict) -> tuple[dict[int, dict] | None, list[str]]:
        judged: dict[int, dict] = {}
        for entry in answer["clips"]:
            if 1 <= entry["clip"] <= len(shown):
                judged.setdefault(entry["clip"], entry)
            else:
                logging.info("refused: clip %d of the answer is not on offer", entry["clip"])
        return judged or None, [] if judged else [f"it names none of the clips 1 to {len(shown)}"]

    judged, calls = answered(ask, PROMPT, data, ANSWER, check) if len(shown) > 1 else ({}, [])
    first = [
        shown[number - 1] | {"fits": entry["fits"], "reason": plain(entry["reason"], MOST_REASON)}
        for number, entry in judged.items()
    ]
    listed = {id(shown[number - 1]) for number in judged}
    rest = [clip | {"fits": None, "reason": None} for clip in clips if id(clip) not in listed]
    ranked = [clip | {"rank": rank} for rank, clip in enumerate(first + rest, 1)]
    return told(offered, calls, ranked)


def shortlisted(clips: list[dict], most: int) -> list[dict]:
    """The likest clips of each provider in turn, at most so many, in the order in which they are offered."""
    by_provider: dict[str, list[dict]] = {}
    for clip in clips:
        by_provider.setdefault(clip["provider"], []).append(clip)
    turns = [clip for turn in zip_longest(*by_provider.values()) for clip in turn if clip]
    kept = {id(clip) for clip in turns[:most]}
    return [clip for clip in clips if id(clip) in kept]


def about(number: int, clip: dict) -> dict:
    """What the model is told of a clip: no id, path or address."""
    width, height = clip["size"]
    kind = "drawn" if clip["provider"] == "procedural" else "filmed" if clip["kind"] == "video" else "picture"
    known = {
        "clip": number,
        "description": plain(clip["description"], MOST_DESCRIPTION),
        "kind": kind,
        "shape": "lying" if width > height else "upright" if width < height else "square",
    }
    return known | ({"seconds": round(clip["duration"])} if clip["duration"] else {})


def unranked(offered: dict, calls: list[dict]) -> dict:
    """The clips in the order of their similarity; none has a rank."""
    clips = [clip | {"fits": None, "reason": None, "rank": None} for clip in offered["candidates"]]
    return told(offered, calls, clips)


def told(offered: dict, calls: list[dict], clips: list[dict]) -> dict:
    return {"scene": offered["scene"], "sources": offered["sources"], "calls": calls, "candidates": clips}


if __name__ == "__main__":
    with job(snakemake.log[0]):
        settings, scene = dict(snakemake.params.settings), snakemake.wildcards
        offered = read_json(snakemake.input.candidates)
        llm = settings_of(snakemake.config, scene.project, "llm") | settings.pop("llm")
        expected = TOKENS_A_CLIP * llm["shortlist"]
        why = None
        with service("llm", llm, snakemake.config, llm["timeout"]) as server:
            try:
                made = ranking(
                    offered,
                    **settings,
                    shortlist=llm["shortlist"],
                    ask=lambda messages: chat(server, messages, ANSWER, llm, expected),
                )
            except (ServiceError, AnswerError) as error:
                if llm["fallback"] == "none" or (isinstance(error, ServiceError) and not error.transient):
                    raise
                made, why = unranked(offered, error.calls), redact(str(error))
                again = f"snakemake --cores 8 --forcerun {snakemake.output.ranking} asks again"
                warn(f"{why}; its clips are ordered by similarity (llm.fallback); {again}")
        write_json(snakemake.output.ranking, {"model": llm["model"], "prompt": VERSION, "fallback": why} | made)
