"""The models that are fetched by their size, and the languages that Whisper knows: those of faster-whisper 1.2.1."""

SYSTRAN, DISTIL = "Systran/faster-whisper-", "Systran/faster-distil-whisper-"
TURBO = "mobiuslabsgmbh/faster-whisper-large-v3-turbo"
MODELS = {
    "tiny": (f"{SYSTRAN}tiny", 76),
    "tiny.en": (f"{SYSTRAN}tiny.en", 76),
    "base": (f"{SYSTRAN}base", 145),
    "base.en": (f"{SYSTRAN}base.en", 145),
    "small": (f"{SYSTRAN}small", 484),
    "small.en": (f"{SYSTRAN}small.en", 484),
    "medium": (f"{SYSTRAN}medium", 1530),
    "medium.en": (f"{SYSTRAN}medium.en", 1530),
    "large-v1": (f"{SYSTRAN}large-v1", 3090),
    "large-v2": (f"{SYSTRAN}large-v2", 3090),
    "large-v3": (f"{SYSTRAN}large-v3", 3090),
    "large": (f"{SYSTRAN}large-v3", 3090),
    "large-v3-turbo": (TURBO, 1620),
    "turbo": (TURBO, 1620),
    "distil-small.en": (f"{DISTIL}small.en", 332),
    "distil-medium.en": (f"{DISTIL}medium.en", 789),
    "distil-large-v2": (f"{DISTIL}large-v2", 1510),
    "distil-large-v3": (f"{DISTIL}large-v3", 1510),
    "distil-large-v3.5": ("distil-whisper/distil-large-v3.5-ct2", 1510),
}
"""The repository on Hugging Face, and about how many megabytes."""

_CODES = """
af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it
ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn
so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh
"""
LANGUAGES = frozenset(_CODES.split())
