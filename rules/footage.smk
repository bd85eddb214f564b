"""A scene's visual direction becomes the clip that it shows. The choice is made over the whole video, at a checkpoint."""


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
            "providers": SETTINGS["stock"]["providers"],
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
