"""One question to a language model, and what it answers."""

import hashlib
import json
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from pathlib import Path

from scripts.lib.errors import UserError
from scripts.lib.files import read_json, write_text
from scripts.lib.net.errors import ServiceError
from scripts.lib.net.secrets import redact
from scripts.lib.problems import printable

LETTERS_A_TOKEN = 3
"""A low count, so that the estimate of tokens is a high one: English has four, other languages fewer."""
MOST_TOKENS = 2**31
"""Of one call; a count of more is nonsense."""
OPTIONAL = {
    "response_format": ("responseformat", "jsonschema", "grammar"),
    "temperature": ("temperature",),
    "seed": ("seed",),
}
"""What some servers refuse, and how they then call it: such a request is sent again without."""


class AnswerError(UserError):
    """A model's answer that is of no use; `calls` is what it cost, as of `Reply`."""

    def __init__(self, message: str, calls: Sequence[dict] = ()) -> None:
        super().__init__(message)
        self.calls = list(calls)


@dataclass(frozen=True)
class Reply:
    """`text` as it came; `cut`: it came to the length that the server allows; `call`: the tokens the server counted,
    `prompt_tokens` and `completion_tokens`, None where it does not say; `keep()` has the same question answered by it
    from then on."""

    text: str
    cut: bool
    call: dict
    keep: Callable[[], None] = lambda: None


def chat(service: object, messages: list[dict], schema: dict, llm: dict, expected: int) -> Reply:
    """The model's reply to `messages`, in the form of the JSON schema where the server heeds it.

    `llm` is the section of the configuration; `expected` is how many tokens the answer may have, for the quota.
    Nothing but text is asked for: no tools are offered. A question whose reply was kept, in the cache folder, is not
    asked again. Raises ServiceError, QuotaError, AnswerError.
    """
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": _strict(schema), "strict": True}}
    body = {"model": llm["model"], "messages": messages, "response_format": form}
    body |= {key: llm[key] for key in ("temperature", "seed") if llm[key] is not None}
    question = json.dumps([service.base_url, body], sort_keys=True)
    file = service.folder / "answers" / f"{hashlib.sha256(question.encode()).hexdigest()}.json"
    if kept := _kept(file):
        logging.info("%s: has answered this before", service.name)
        return kept
    tokens = sum(len(message["content"]) for message in messages) // LETTERS_A_TOKEN + expected
    while True:
        try:
            reply = _reply(service.post("chat/completions", body, tokens), service.name)
            entry = {"text": reply.text, "cut": reply.cut, "call": reply.call}
            return replace(reply, keep=partial(write_text, file, json.dumps(entry)))
        except ServiceError as error:
            refused = _refused(error, body)
            if not refused:
                raise _explained(error, llm) from None
            logging.info("%s; asking again without %s", error, " and ".join(refused))
            body = {key: value for key, value in body.items() if key not in refused}


def _kept(file: Path) -> Reply | None:
    try:
        return Reply(**read_json(file))
    except (OSError, ValueError, TypeError):  # there is none, or it is damaged
        return None


def _strict(schema: dict) -> dict:
    """The part of a schema that servers take: types, names, enumerations and descriptions. Every key is required."""
    kept = {key: schema[key] for key in ("type", "description", "enum", "additionalProperties") if key in schema}
    if "properties" in schema:
        kept["properties"] = {name: _strict(part) for name, part in schema["properties"].items()}
        kept["required"] = list(schema["properties"])
    if "items" in schema:
        kept["items"] = _strict(schema["items"])
    return kept


def _refused(error: ServiceError, body: dict) -> list[str]:
    """The optional parts of a request that an error names."""
    if error.status not in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY):
        return []
    said = re.sub("[^a-z]", "", str(error).lower())
    return [key for key, names in OPTIONAL.items() if key in body and any(name in said for name in names)]


def _explained(error: ServiceError, llm: dict) -> ServiceError:
    if error.status not in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
        return error
    hint = f"check llm.base_url, which mostly ends in /v1, and llm.model ({printable(llm['model'])})"
    return ServiceError(f"{error}: {hint}", error.status)


def _reply(answer: dict, name: str) -> Reply:
    usage = answer.get("usage") if isinstance(answer.get("usage"), dict) else {}
    call = {key: _count(usage.get(key)) for key in ("prompt_tokens", "completion_tokens")}
    choices = answer.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    message = choice.get("message")
    if not isinstance(message, dict):
        error = answer.get("error")
        said = error.get("message") if isinstance(error, dict) else error
        why = f": {printable(redact(said), 200)}" if isinstance(said, str) else ""
        raise AnswerError(f"{name}: its answer holds no message{why}")
    if isinstance(message.get("refusal"), str) or choice.get("finish_reason") == "content_filter":
        why = printable(redact(message.get("refusal") or "by its content filter"), 200)
        raise AnswerError(f"{name}: the model refuses to answer: {why}", [call])
    return Reply(
        text=_text(message.get("content")),
        cut=choice.get("finish_reason") == "length",
        call=call,
    )


def _text(content: object) -> str:
    """What a message says, in one piece or in parts."""
    parts = content if isinstance(content, list) else [{"text": content}]
    said = (part.get("text") for part in parts if isinstance(part, dict))
    return "".join(text for text in said if isinstance(text, str))


def _count(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < MOST_TOKENS else None
