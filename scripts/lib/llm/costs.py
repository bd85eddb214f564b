"""What the writing of a script by a language model took, as the script itself tells; the file may be a stranger's."""

COUNTS = ("prompt_tokens", "completion_tokens")


def cost_of(meta: object) -> dict | None:
    """The `calls` and the `model` in a script's `meta`, as of proposal.json; None where it has none, or none that can
    be counted."""
    calls, model = (meta.get("calls"), meta.get("model")) if isinstance(meta, dict) else (None, None)
    if not isinstance(model, str) or not isinstance(calls, list) or not calls or not all(map(_sound, calls)):
        return None
    return {"calls": [{count: call[count] for count in COUNTS} for call in calls], "model": model}


def _sound(call: object) -> bool:
    return isinstance(call, dict) and all(_counted(call.get(count, "")) for count in COUNTS)


def _counted(count: object) -> bool:
    return count is None or (type(count) is int and count >= 0)
