"""What captions and segments follow from, and what a segment takes."""

FONTS = [repo(path) for path in sorted(ROOT.glob("config/fonts/*.ttf"))]


def caption_fonts(wildcards):
    own = value("captions.font")(wildcards)
    return [*([own] if own else []), *FONTS]


def first_segment(wildcards):
    checkpoints.selection.get(project=wildcards.project)
    return f"<results>/{wildcards.project}/scenes/{order(wildcards)[0]}/segment.mp4"


def megapixels(wildcards):
    return value("video.width")(wildcards) * value("video.height")(wildcards) / 1e6


def rendering(wildcards):
    """Megabytes for a scene's picture: ffmpeg took 400 for 1080x1920, 1,500 for 2160x3840, and half as much again with
    the preset `medium`."""
    return round(150 + 270 * megapixels(wildcards))


def rendering_minutes(wildcards, attempt):
    """Minutes for a scene's picture on a cluster."""
    return round(10 + 5 * megapixels(wildcards)) * attempt
