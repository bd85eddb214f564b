"""The files of a video that are made when nobody asks for certain ones."""

DELIVERED = [
    *("video.mp4", "video.srt", "video.vtt", "thumbnail.jpg", "credits.md"),
    *("timestamps.json", "visuals.json", "quality.json"),
]


def delivered(project: object) -> list[str]:
    """Those of one project: with the sum of what models cost, where its video takes any of their answers."""
    return [*DELIVERED, "usage.json"] if costs(project) else DELIVERED


def costs(project: object) -> bool:
    settings = project.settings
    asks = settings["selection"]["engine"] == "llm" or settings["embedding"]["engine"] == "openai"
    return asks or project.cost is not None
