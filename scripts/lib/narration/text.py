"""A long text in pieces."""

import re

ENDS = (r"(?<=[.!?…][\"'”’)\]])\s+|(?<=[.!?…])\s+|(?<=[。！？])", r"(?<=[,;:–—])\s+|(?<=[、，；：])", r"\s+")
"""Where to cut a text, from the best place to the worst: sentences, clauses, words."""


def cut(text: str, most: int) -> list[str]:
    """The text in pieces of at most so many characters, as few as fit, cut at ends of sentences where there are any,
    else of clauses, else of words, else anywhere."""
    if len(text) <= most:
        return [text]
    for end in ENDS:
        places = [found.end() for found in re.finditer(end, text) if 0 < found.end() <= most]
        if places:
            return [text[: places[-1]].rstrip(), *cut(text[places[-1] :], most)]
    return [text[:most], *cut(text[most:], most)]
