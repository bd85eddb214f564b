"""The files of a video that are made when nobody asks for certain ones."""

DELIVERED = [
    *("video.mp4", "video.srt", "video.vtt", "thumbnail.jpg", "credits.md"),
    *("timestamps.json", "visuals.json", "quality.json"),
]
