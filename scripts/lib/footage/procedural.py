"""The backgrounds that are drawn rather than filmed, as the footage index lists them."""

UPRIGHT = [1080, 1920]
"""Width and height of a background as it is drawn for an upright frame; for a lying one, the other way round."""


def entries(catalogue: dict[str, dict]) -> list[dict]:
    """One entry a background, its vector aside. None has a size or a length before it is drawn, to suit the frame and
    to loop without a seam; nobody is to be credited."""
    return [
        {
            "provider": "procedural",
            "id": name,
            "path": None,
            "kind": "video",
            "description": recipe["description"],
            "author": None,
            "licence": None,
            "page": None,
            "size": None,
            "duration": None,
        }
        for name, recipe in sorted(catalogue.items())
    ]


def size(width: int, height: int) -> list[int]:
    """The size in which a background is drawn for a frame of `width` x `height`."""
    return UPRIGHT[::-1] if width > height else UPRIGHT
