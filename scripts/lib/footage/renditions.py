"""Which of a clip's files suits a frame, once it is cropped to the frame's shape. Sizes are pixels."""


def fitting(renditions: list[dict], width: int, height: int) -> dict | None:
    """The smallest file that need not be enlarged for a frame of `width` x `height`, else the largest."""

    def size(file: dict) -> tuple:
        return cropped(file["width"], file["height"], width, height), file["width"] * file["height"], file["url"]

    ordered = sorted(renditions, key=size)
    enough = [file for file in ordered if cropped(file["width"], file["height"], width, height) >= width]
    return enough[0] if enough else ordered[-1] if ordered else None


def cropped(wide: int, high: int, width: int, height: int) -> float:
    """The width of what is left of a picture of `wide` x `high` in the shape of `width` x `height`."""
    return min(wide, high * width / height)


FULL_HD = {"portrait": (1080, 1920), "landscape": (1920, 1080), "square": (1080, 1080)}


def fits(renditions: list[dict], orientation: str) -> bool:
    """Whether a clip can be shown in a frame of Full HD, enlarged no more than twice. What is found does not depend on
    the frame's true size, so that a new one asks for nothing anew."""
    width, height = FULL_HD[orientation]
    return any(cropped(file["width"], file["height"], width, height) >= width / 2 for file in renditions)
