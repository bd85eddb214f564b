"""A scene's visual direction becomes the clip that it shows. The choice is made over the whole video, at a checkpoint."""


def offered():
    """The providers that have something to offer, in order of preference."""
    there = {"local": bool(footage_files()), "procedural": True}
    return [name for name in SETTINGS["stock"]["providers"] if there.get(name)]


def avoided(wildcards):
    """The choices of the projects whose clips this one is not to use again."""
    others = project(wildcards).settings["selection"]["avoid"]
    return [
        file
        for other in others
        for file in collect("<results>/{project}/selection/{scene}.json", project=other, scene=PROJECTS[other].scenes)
    ]


def wishes(wildcards):
    """What the choice depends on. Scenes stand in the order of their ids: moving one changes no choice."""
    wanted = {
        name: {"duration": scene["duration"] or 5.0, "pin": scene["footage"], "reject": scene["reject"]}
        for name, scene in sorted(project(wildcards).scenes.items())
    }
    return {
        "height": value("video.height")(wildcards),
        "min_similarity": value("selection.min_similarity")(wildcards),
        "providers": offered(),
        "scenes": wanted,
        "width": value("video.width")(wildcards),
    }


rule embedding:
    input:
        model="<resources>/models/minilm/manifest.json",
        code=sources("embedding"),
    output:
        embedding="<results>/{project}/scenes/{scene}/embedding.json",
    log:
        "<logs>/embedding/{project}/{scene}.log",
    benchmark:
        "<benchmarks>/embedding/{project}/{scene}.tsv"
    priority: feeding
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        cpus=1,
    params:
        settings=settings(text="scene.visual", engine="embedding.engine"),
    script:
        "../scripts/embedding.py"


rule candidates:
    input:
        embedding="<results>/{project}/scenes/{scene}/embedding.json",
        index="<resources>/footage/index.json",
        code=sources("candidates"),
    output:
        candidates="<results>/{project}/scenes/{scene}/candidates.json",
    log:
        "<logs>/candidates/{project}/{scene}.log",
    benchmark:
        "<benchmarks>/candidates/{project}/{scene}.tsv"
    priority: feeding
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        cpus=1,
    params:
        settings=lambda wildcards: {
            "height": value("video.height")(wildcards),
            "providers": offered(),
            "width": value("video.width")(wildcards),
        },
    script:
        "../scripts/candidates.py"


checkpoint selection:
    input:
        candidates=scenes("<results>/{project}/scenes/{scene}/candidates.json"),
        avoid=avoided,
        code=sources("selection"),
    output:
        selection=directory("<results>/{project}/selection"),
    log:
        "<logs>/selection/{project}.log",
    benchmark:
        "<benchmarks>/selection/{project}.tsv"
    priority: feeding
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        cpus=1,
    params:
        settings=wishes,
    script:
        "../scripts/selection.py"
