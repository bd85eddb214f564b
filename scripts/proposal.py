"""Have a language model write a script from a brief, and put right what is not as the brief wants it."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from scripts.lib.files import write_json
from scripts.lib.job import job
from scripts.lib.llm.answers import answered
from scripts.lib.llm.brief import (
    LEAST_VISUAL,
    MOST_CTA,
    MOST_HOOK,
    TOLERANCE,
    check_possible,
    length,
    read_brief,
    scene_counts,
    unmet,
)
from scripts.lib.llm.chat import Reply, chat
from scripts.lib.llm.pace import LETTERS_A_WORD, rate
from scripts.lib.llm.prompts import DATA, FORM
from scripts.lib.llm.room import check_room
from scripts.lib.llm.server import service
from scripts.lib.net.service import settings_of
from scripts.lib.script import read_script
from scripts.lib.words import split

PROMPT = """\
You write the script of a short video that is narrated from beginning to end. {DATA} It is the brief: follow its \
wishes for topic, audience, tone and language as far as they concern what the video says.

- `hook`: the first sentence, at most {MOST_HOOK} words, which makes one want to hear the rest.
- `scenes`: {scenes}. Each has one or two spoken sentences (`text`), and goes on where the one before it ends. They \
repeat neither the hook nor the call to action.
- `cta`: the last sentence, at most {MOST_CTA} words, which asks the viewer to do something, as the brief's `cta` says \
where it has one.
- All that is spoken (hook, texts and call to action) has {least} to {most} words of usual length together, which \
take {seconds:g} seconds. It is in the brief's language, plain and true: what the brief does not say is said only \
where it is well known. Nothing in it cannot be spoken: no headings, stage directions, emoji or links.
- `visualDirection` of each scene: in English, {LEAST_VISUAL} to 25 words, one thing that a camera can film, with \
subject, place and light, such as "Waves break on black rocks at dawn, seen from above." No writing, logos, diagrams \
or split screens, nothing abstract, and no two scenes the same.
- `title`: of the video, at most 80 characters. `hashtags`: three to eight, without #.
- No word of the brief's `forbidden` is used anywhere, in any form.

{FORM}{{"title": "…", "hook": "…", "scenes": [{{"text": "…", "visualDirection": "…"}}, …], "cta": "…", \
"hashtags": ["…"]}}"""
VERSION = "proposal-1"


def _text(allowed: str, most: int) -> dict:
    return {"type": "string", "pattern": r"[\s\S]*\S[\s\S]*", "maxLength": most, "allowed": allowed}


ANSWER = {
    "type": "object",
    "additionalProperties": False,
    "required": ["title", "hook", "scenes", "cta", "hashtags"],
    "properties": {
        "title": _text("give the video a title", 300),
        "hook": _text("begin with a sentence that makes one want to hear the rest", 500),
        "scenes": {
            "type": "array",
            "minItems": 1,
            "maxItems": 200,
            "allowed": "give a list of scenes",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["text", "visualDirection"],
                "properties": {
                    "text": _text("write what is spoken", 2_000),
                    "visualDirection": _text("describe what is seen", 500),
                },
            },
        },
        "cta": _text("end with a sentence that asks the viewer to do something", 500),
        "hashtags": {"type": "array", "maxItems": 30, "items": _text("write a hashtag", 100), "allowed": "give a list"},
    },
}
TOKENS_A_SECOND = 12
"""Of the answer, visual directions included; for the quota."""


def proposal(brief: dict, voice: dict, ask: Callable[[list[dict]], Reply]) -> dict:
    """A script, how long and how many words it is, and what each call cost.

    `voice` is as of `length`. Raises AnswerError, UserError where the brief asks for what cannot be, and what `ask`
    raises.
    """
    check_possible(brief, voice)

    def check(answer: dict) -> tuple[tuple[dict, list[str]] | None, list[str]]:
        scenes = [{"id": f"s{number:02}"} | scene for number, scene in enumerate(answer["scenes"], 1)]
        script = {"schemaVersion": "1.0.0"} | answer | {"scenes": scenes}
        spoken, problems = said(script)
        if problems:
            return None, problems
        useless, rest = unmet(brief, script, spoken, voice)
        return None if useless else (script, spoken), useless + rest

    wishes = {key: value for key, value in brief.items() if value not in ("", [], None)}
    (script, spoken), calls = answered(ask, instructions(brief, voice), wishes, ANSWER, check, "a looser brief")
    words = sum(len(split(text)) for text in spoken)
    return {"calls": calls, "seconds": round(length(spoken, voice), 1), "words": words, "script": script}


def instructions(brief: dict, voice: dict) -> str:
    """The prompt, with the brief's numbers; its texts are data."""
    count, *_ = scene_counts(brief)
    pads = (count + 2) * (voice["pad_before"] + voice["pad_after"])
    words = max(count, (brief["length"] - pads) * rate(voice) / LETTERS_A_WORD)
    return PROMPT.format(
        DATA=DATA,
        FORM=FORM,
        MOST_HOOK=MOST_HOOK,
        MOST_CTA=MOST_CTA,
        LEAST_VISUAL=LEAST_VISUAL,
        scenes=f"exactly {count}" if brief["scenes"] else f"about {count}",
        least=round(words * (1 - TOLERANCE / 2)),
        most=round(words * (1 + TOLERANCE / 2)),
        seconds=brief["length"],
    )


def said(script: dict) -> tuple[list[str], list[str]]:
    """All that is spoken, as a project with this script would be read, or what is wrong with it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "script.json"
        write_json(path, script)
        read, problems = read_script(path)
    if not read:
        return [], [problem.removeprefix(f"{path.as_posix()}: ") for problem in problems]
    return [scene["text"] for scene in read.scenes.values()], []


if __name__ == "__main__":
    with job(snakemake.log[0]):
        check_room(Path(snakemake.input.brief).parent)
        brief = read_brief(Path(snakemake.input.brief))
        voice, asked = snakemake.params.settings["voice"], snakemake.params.settings["llm"]
        llm = settings_of(snakemake.config, snakemake.wildcards.project, "llm") | asked
        expected = round(TOKENS_A_SECOND * brief["length"])
        with service("llm", llm, snakemake.config, llm["timeout"]) as server:
            made = proposal(brief, voice, lambda messages: chat(server, messages, ANSWER, llm, expected))
        about = {"brief": brief, "prompt": VERSION, **{key: llm[key] for key in ("model", "seed", "temperature")}}
        write_json(snakemake.output.proposal, about | made)
