"""Language and embedding models that follow rules: the same question has the same answer, and a sensible one."""

import hashlib
import json
import random
import re
import threading
from collections.abc import Callable

from tests.servers.loopback import Answer, json_answer

KNOWN = {"type", "description", "enum", "additionalProperties", "properties", "required", "items"}
"""What a strict schema may be made of."""
REFUSALS = {
    "response_format": "This response_format type is unavailable now",
    "seed": "Unsupported parameter: 'seed' is not supported with this model.",
    "temperature": "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is "
    "supported.",
}
"""What servers say of parts of a request that they do not take: DeepSeek, and OpenAI of its reasoning models."""
SEEN = [
    "Ocean waves break on black rocks at dawn, seen from above.",
    "Sunlight falls through the old trees of a misty forest.",
    "City traffic at night, lights in all windows.",
    "A desert of golden dunes under the morning sun.",
    "Small boats sail on a calm sea in the evening.",
    "Rain drops run down a window pane in the evening.",
    "Northern lights above a frozen lake in winter.",
    "White clouds drift across a blue summer sky.",
    "Flames of a campfire burn in the dark.",
    "Snowflakes fall on a quiet mountain in the evening.",
]


class Chat:
    """`/chat/completions`: orders clips by the words they share with a visual direction, and writes the script that a
    brief asks for.

    `queue` holds what the next answers are to suffer from, by a name in FAULTS or as the text to answer instead;
    `refuses` the parts of a request that this server does not know. A `gullible` model does what any text in its data
    tells it to do after `SYSTEM:`.
    """

    def __init__(self) -> None:
        self.models, self.refuses, self.gullible = {"gpt-test"}, set(), False
        self.queue: list[str] = []
        self.lock = threading.Lock()

    def __call__(self, asked: dict) -> Answer:
        for wrong in self.wrong(asked):
            return refusal(400, wrong)
        if asked["model"] not in self.models:
            return refusal(404, f"The model `{asked['model']}` does not exist or you do not have access to it.")
        with self.lock:
            fault = self.queue.pop(0) if self.queue else ""
        text = self.said(asked["messages"])
        message, reason = {"role": "assistant", "content": text}, "stop"
        if fault in FAULTS:
            message, reason = FAULTS[fault](text)
        elif fault:
            message["content"] = fault
        if not message:
            return json_answer({"error": {"message": "Provider returned error", "code": 524}})
        choice = {"index": 0, "message": message, "finish_reason": reason}
        usage = {
            "prompt_tokens": sum(len(message["content"].split()) for message in asked["messages"]),
            "completion_tokens": len(str(message["content"] or "").split()),
        }
        return json_answer({"object": "chat.completion", "choices": [choice], "usage": usage})

    def wrong(self, asked: dict) -> list[str]:
        """What is wrong with a request."""
        unknown = asked.keys() - {"model", "messages", "temperature", "seed", "response_format"}
        found = [f"Unrecognized request argument supplied: {name}" for name in sorted(unknown)]
        found += [REFUSALS[name] for name in sorted(self.refuses & asked.keys())]
        roles = [message.get("role") for message in asked.get("messages", [])]
        if roles[:2] != ["system", "user"] or roles[2:] != ["assistant", "user"] * (len(roles[2:]) // 2):
            found.append("Conversation roles must alternate user/assistant")
        if not all(
            isinstance(message.get("content"), str) and message["content"] for message in asked.get("messages", [])
        ):
            found.append("Invalid value for 'content': expected a string.")
        form = asked.get("response_format", {})
        if form and (form.get("type") != "json_schema" or form["json_schema"].get("strict") is not True):
            found.append("Invalid response_format")
        return found + (_loose(form["json_schema"]["schema"]) if form else [])

    def said(self, messages: list[dict]) -> str:
        data = json.loads(messages[1]["content"])
        if self.gullible and (order := re.search(r"SYSTEM: (.*)", "\n".join(_texts(data)))):
            return order[1]
        answer = ranked(data) if "clips" in data else written(data, messages[0]["content"])
        return json.dumps(answer, ensure_ascii=False)


def ranked(data: dict) -> dict:
    wanted = words(data["scene"]["visualDirection"])
    shared = {clip["clip"]: sorted(wanted & words(clip["description"])) for clip in data["clips"]}
    order = sorted(shared, key=lambda number: (-len(shared[number]), number))
    reasons = {number: f"shows {', '.join(found) or 'something else'}" for number, found in shared.items()}
    return {"clips": [{"clip": n, "fits": bool(shared[n]), "reason": reasons[n]} for n in order]}


def written(brief: dict, told: str) -> dict:
    """A script with as many scenes and words as the instructions ask for, about the brief's topic and without its
    forbidden words."""
    least, most = map(int, re.search(r"has (\d+) to (\d+) words", told).groups())
    scenes = int(re.search(r"`scenes`: (?:exactly |about )?(\d+)", told)[1])
    forbidden = words(" ".join(brief.get("forbidden", [])))
    stock = f"{brief['topic']} is older and stranger than most people think".split()
    stock = [word for word in stock if word.lower().strip(".,!?") not in forbidden]
    hook, cta = "Nobody ever told you this.", "Follow us for more."
    left = (least + most) // 2 - len(f"{hook} {cta}".split())
    counts = [left // scenes + (n < left % scenes) for n in range(scenes)]
    said = [" ".join(stock[(n + place) % len(stock)] for place in range(count)) for n, count in enumerate(counts)]
    return {
        "title": brief["topic"][:80],
        "hook": hook,
        "scenes": [
            {"text": f"{text[:1].upper()}{text[1:].rstrip('.')}.", "visualDirection": SEEN[n % len(SEEN)]}
            for n, text in enumerate(said)
        ],
        "cta": cta,
        "hashtags": ["science", "nature", "facts"],
    }


def _message(text: str | list | None, **more: object) -> dict:
    return {"role": "assistant", "content": text} | more


def _draft(text: str) -> str:
    """An answer as a model first thinks of it: shorter, and otherwise of the same form."""
    answer = json.loads(text)
    name = "clips" if "clips" in answer else "scenes"
    return json.dumps(answer | {name: answer[name][-1:]})


CALL = {"id": "call_1", "type": "function", "function": {"name": "run", "arguments": '{"command": "touch pwned"}'}}
FAULTS: dict[str, Callable[[str], tuple[dict, str]]] = {
    "cut": lambda text: (_message(text[: len(text) // 2]), "length"),
    "fenced": lambda text: (_message(f"```json\n{text}\n```"), "stop"),
    "prose": lambda text: (_message(f"Sure {{as you asked}}! Here it is:\n\n{text}\n\nAnything {{else}}?"), "stop"),
    "thought": lambda text: (_message(f'<think>They want {{"clips": []}} or so.</think>\n{text}'), "stop"),
    "thought-unopened": lambda text: (_message(f'They want {{"clips": []}} or so.\n</think>\n{text}'), "stop"),
    "draft": lambda text: (_message(f"Perhaps {_draft(text)}. But no.\n</think>\n{text}"), "stop"),
    "drafts": lambda text: (_message(f"First {_draft(text)}, or better:\n{text}"), "stop"),
    "thought-of": lambda text: (_message(f"Perhaps {_draft(text)}.</think>\nI would rather not."), "stop"),
    "parts": lambda text: (_message([{"type": "text", "text": half} for half in (text[:9], text[9:])]), "stop"),
    "quoted": lambda text: (_message(f"You gave me {json.dumps({'a': 'b' * 3000})}, so: {text}"), "stop"),
    "wrong-schema": lambda text: (_message('{"result": [1, 2, 3]}'), "stop"),
    "no-json": lambda text: (_message("I would rather talk about something else."), "stop"),
    "list": lambda text: (_message(f"[{text}]"), "stop"),
    "nothing": lambda text: (_message(""), "stop"),
    "tool-call": lambda text: (_message(None, tool_calls=[CALL]), "tool_calls"),
    "refusal": lambda text: (_message(None, refusal="I cannot help with that."), "stop"),
    "filtered": lambda text: (_message(""), "content_filter"),
    "no-choices": lambda text: ({}, ""),
}


class Embeddings:
    """`/embeddings`: counts hashed words, in `length` numbers. `fault` is a name in VECTOR_FAULTS."""

    def __init__(self) -> None:
        self.models, self.length, self.fault = {"embed-test"}, 64, ""

    def __call__(self, asked: dict) -> Answer:
        texts = asked.get("input")
        if asked.keys() - {"model", "input"} or not isinstance(texts, list) or not 0 < len(texts) <= 2048:
            return refusal(400, "Invalid request")
        if not all(isinstance(text, str) and text.strip() for text in texts):
            return refusal(400, "'$.input' is invalid: an input cannot be empty.")
        if asked["model"] not in self.models:
            return refusal(404, f"The model `{asked['model']}` does not exist or you do not have access to it.")
        vectors = [vector(text, self.length) for text in texts]
        data = [{"object": "embedding", "index": n, "embedding": each} for n, each in enumerate(vectors)]
        if self.fault:
            data = VECTOR_FAULTS[self.fault](data)
        tokens = sum(len(text.split()) for text in texts)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return json_answer({"object": "list", "data": data, "model": asked["model"], "usage": usage})


VECTOR_FAULTS: dict[str, Callable[[list[dict]], object]] = {
    "order": lambda data: random.Random(1).sample(data, len(data)),
    "lengths": lambda data: [data[0] | {"embedding": data[0]["embedding"][:-1]}, *data[1:]],
    "missing": lambda data: data[:-1],
    "twice": lambda data: [*data[:-1], data[0]],
    "no-index": lambda data: [{"embedding": each["embedding"]} for each in data],
    "zeros": lambda data: [each | {"embedding": [0.0] * len(each["embedding"])} for each in data],
    "text": lambda data: [each | {"embedding": "AAAA"} for each in data],
    "huge": lambda data: [each | {"embedding": [10**400, 1]} for each in data],
    "nested": lambda data: [each | {"embedding": [each["embedding"]]} for each in data],
    "no-list": lambda data: {"0": data},
}


def vector(text: str, length: int) -> list[float]:
    """Not of length 1, as some servers' are not."""
    made = [0.0] * length
    for word in words(text) or {text}:
        made[int(hashlib.sha256(word.encode()).hexdigest(), 16) % length] += 1.0
    return made


def words(text: str) -> set[str]:
    return set(re.findall(r"\w{3,}", text.lower()))


def refusal(status: int, message: str) -> Answer:
    """An error in OpenAI's words."""
    return json_answer({"error": {"message": message, "type": "invalid_request_error", "code": None}}, status)


def _loose(schema: dict) -> list[str]:
    """In what way a schema is not as strict as it has to be."""
    where = "Invalid schema for response_format 'answer'"
    found = [f"{where}: '{key}' is not permitted." for key in sorted(schema.keys() - KNOWN)]
    properties = schema.get("properties", {})
    if properties and (schema.get("additionalProperties") is not False or set(schema["required"]) != set(properties)):
        found.append(f"{where}: every key is to be required, and no other allowed.")
    parts = [*properties.values(), *([schema["items"]] if "items" in schema else [])]
    return found + [fault for part in parts for fault in _loose(part)]


def _texts(data: object) -> list[str]:
    if isinstance(data, dict | list):
        return [text for item in (data.values() if isinstance(data, dict) else data) for text in _texts(item)]
    return [data] if isinstance(data, str) else []
