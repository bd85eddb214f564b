"""Answers of a language model as data: found in what it wrote, checked, and put right by it once."""

import json
import logging
import re
from collections.abc import Callable
from typing import TypeVar

from scripts.lib.config import shaped
from scripts.lib.job import warn
from scripts.lib.llm.chat import AnswerError, Reply
from scripts.lib.net.errors import ServiceError
from scripts.lib.problems import checker, dotted, faults, printable, report

T = TypeVar("T")

MOST = 200_000
"""Characters of an answer that are looked at; a script of 50 scenes has 20,000."""
MOST_TRIES = 1000
"""Braces at which an object may begin."""
MARK = re.compile(r"\{|</think>")
MOST_TOLD = 20
MOST_REPEATED = 20_000
"""Characters of a wrong answer that the model is shown again."""
CUT = "A first answer was cut off for its length. Keep to what is asked for, and be brief."
TWICE_CUT = (
    "the model's answer is cut off for its length, twice; give its server a larger context (docs/llm.md), "
    "or ask for less"
)
WRONG = "Your answer cannot be used:\n{problems}\nAnswer again with the whole JSON object, put right, and nothing else."


def answered(
    ask: Callable[[list[dict]], Reply],
    instructions: str,
    data: object,
    schema: dict,
    check: Callable[[dict], tuple[T | None, list[str]]],
    remedy: str = "",
) -> tuple[T, list[dict]]:
    """What `check` makes of the model's answer, and what each call cost.

    The instructions are the system's message. The user's message is `data` as JSON and nothing else, so that no text
    in it can end what it stands in. The answer has to fit the schema and then `check`, which gives what is made of it,
    None where it is useless, and what is wrong with it. An answer that is cut off is asked for again once, and one that
    is wrong once, with the faults named. Then the best that can be used is taken, with a warning of what is wrong with
    it; where there is none, AnswerError is raised, which names `remedy` among others. What is raised has the `calls` up
    to then; the log has the answers that would not do.
    """
    asked = [{"role": "user", "content": json.dumps(data, ensure_ascii=False)}]
    replies: list[Reply] = []
    usable: tuple[T, list[str]] | None = None
    repaired = False
    while True:
        try:
            reply = ask([{"role": "system", "content": instructions}, *asked])
        except (AnswerError, ServiceError) as error:
            error.calls = [*(reply.call for reply in replies), *error.calls]
            raise
        replies.append(reply)
        if reply.cut:
            _note("is cut off", reply.text)
            if CUT in instructions:
                why = TWICE_CUT
                break
            instructions += f"\n\n{CUT}"
            continue
        found, problems = read(reply.text, schema)
        made, problems = (None, problems) if problems else check(found)
        if made is not None:
            usable = made, problems
        if not problems:
            break
        _note("will not do", reply.text)
        if repaired:
            others = "another llm.seed (with a temperature above 0), another llm.model"
            why = f"the model's answer is of no use, nor is the mended one: {'; '.join(problems[:MOST_TOLD])}"
            why += f"; what may help: {' or '.join(filter(None, [others, remedy]))}"
            break
        repaired = True
        said = "\n".join(f"- {problem}" for problem in problems[:MOST_TOLD])
        asked = [
            *asked,
            {"role": "assistant", "content": reply.text[:MOST_REPEATED] or "(nothing)"},
            {"role": "user", "content": WRONG.format(problems=said)},
        ]
    calls = [reply.call for reply in replies]
    if usable is None:
        raise AnswerError(why, calls)
    made, problems = usable
    for problem in problems[:MOST_TOLD]:
        warn(f"the model did no better than this: {problem}")
    for reply in replies:
        reply.keep()
    return made, calls


def _note(why: str, text: str) -> None:
    """Show an answer in the log, so that nobody takes a line of it for one of ours."""
    lines = "".join(f"\n  | {printable(line, MOST_REPEATED)}" for line in text[:MOST_REPEATED].splitlines())
    logging.info("this answer %s:%s", why, lines or " there is nothing in it")


def read(text: str, schema: dict) -> tuple[dict, list[str]]:
    """The JSON object in an answer, in the schema's types; and what is wrong with it.

    What stands around it is passed over: fences, prose, what a model thought before it answered, and other objects
    where one fits. Of several that fit, it is the last: what comes before are drafts.
    """
    found = [_checked(json.loads(part), schema) for part in _objects(text[-MOST:])]
    fitting = [each for each in found if not each[1]]
    return (fitting or found or [({}, ["it holds no whole JSON object"])])[-1]


def _checked(data: dict, schema: dict) -> tuple[dict, list[str]]:
    try:
        data = shaped(data, schema, fill=False)
        return data, report("", faults(checker(schema), data), dotted)
    except RecursionError:
        return data, ["it is nested too deeply"]


def _objects(text: str) -> list[str]:
    """The outermost JSON objects in a text, as they stand there; where a model has thought, those that come after.

    Some servers leave out where the thoughts begin, which stands in what they asked the model. A `</think>` inside an
    object is only text.
    """
    decoder = json.JSONDecoder(parse_constant=_no_number)
    found, at = [], 0
    for _ in range(MOST_TRIES):
        mark = MARK.search(text, at)
        if not mark:
            break
        at = mark.end()
        if mark[0] != "{":
            found.clear()
            continue
        try:
            _, at = decoder.raw_decode(text, mark.start())
        except (ValueError, RecursionError):
            continue
        found.append(text[mark.start() : at])
    return found


def _no_number(name: str) -> None:
    raise ValueError(name)
