"""A text's caption words. Where a script is written without spaces, BudouX finds the phrases."""

import re
from itertools import pairwise

_HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_KANA = "\u3041-\u30ff\uff66-\uff9f"
_THAI = "\u0e01-\u0e7f"
_UNSPACED = _HAN + _KANA + _THAI
_WIDE = "\u3000-\u303f\uff00-\uffef"  # the punctuation of Kana and Han


def split(text: str) -> list[tuple[int, str]]:
    """The words and where in the text each begins.

    A word is what stands between spaces, its punctuation included, even if it has no letter or digit. Only what is
    written in Thai, Kana or Han is cut further, and there no Latin word or number, and no punctuation from its word.
    """
    found = []
    parse = None
    for token in re.finditer(r"\S+", text):
        words = [token[0]]
        if re.search(f"[{_UNSPACED}]", token[0]):
            parse = parse or _parser(text)
            words = _whole(parse(token[0]))
        offset = token.start()
        for word in words:
            found.append((offset, word))
            offset += len(word)
    return found


def join(words: list[str]) -> str:
    """The words as a text: no space between two that are written in Thai, Kana or Han."""
    spaceless = [bool(re.search(f"[{_UNSPACED}]", word)) for word in words]
    spaces = ["" if left and right else " " for left, right in pairwise(spaceless)]
    return "".join(part for pair in zip(words, [*spaces, ""], strict=False) for part in pair)


def _whole(phrases: list[str]) -> list[str]:
    """Phrases put together again where they were cut inside what is one word."""
    words = phrases[:1]
    for phrase in phrases[1:]:
        inside = re.fullmatch(f"[^{_UNSPACED}{_WIDE}]{{2}}", words[-1][-1] + phrase[0])
        if inside or not re.search(r"\w", words[-1]) or not re.search(r"\w", phrase):
            words[-1] += phrase
        else:
            words.append(phrase)
    return words


def _parser(text: str):
    """BudouX's parser for the language that the text's script tells."""
    import budoux

    if re.search(f"[{_THAI}]", text):
        return budoux.load_default_thai_parser().parse
    if re.search(f"[{_KANA}]", text):
        return budoux.load_default_japanese_parser().parse
    try:
        "".join(re.findall(f"[{_HAN}]", text)).encode("gb2312")  # which knows no traditional characters
    except UnicodeEncodeError:
        return budoux.load_default_traditional_chinese_parser().parse
    return budoux.load_default_simplified_chinese_parser().parse
