"""A scene's visual direction becomes the clip that it shows. The choice is made over the whole video, at a checkpoint."""


rule embedding:
    input:
        model=embedding_model,
        code=sources("embedding"),
    output:
        embedding="<results>/{project}/scenes/{scene}/embedding.json",
    log:
        "<logs>/embedding/{project}/{scene}.log",
    benchmark:
        "<benchmarks>/embedding/{project}/{scene}.tsv"
    priority: feeding
    group:
        together("search", "embedding")
    localrule: asks_server("embedding")
    conda:
        "../envs/media.yaml"
    threads: embedding_threads
    resources:
        cpus=lambda wildcards, threads: threads,
        api_slots=lambda wildcards, threads: 1 - threads,
    params:
        settings=lambda wildcards: {"embedder": embedder(wildcards), "text": value("scene.visual")(wildcards)},
    script:
        "../scripts/embedding.py"


rule search:
    input:
        code=sources("search"),
    output:
        search="<results>/{project}/scenes/{scene}/search/{provider}.json",
    log:
        "<logs>/search/{project}/{scene}/{provider}.log",
    benchmark:
        "<benchmarks>/search/{project}/{scene}/{provider}.tsv"
    priority: feeding
    retries: 0
    localrule: True
    conda:
        "../envs/network.yaml"
    threads: 0
    resources:
        api_slots=1,
        stock_slots=1,
    params:
        settings=lambda wildcards: {
            "orientation": orientation(wildcards),
            **settings(per_page="stock.per_page", terms="scene.terms", visual="scene.visual")(wildcards),
        },
    script:
        "../scripts/search.py"


rule candidates:
    input:
        embedding="<results>/{project}/scenes/{scene}/embedding.json",
        index=lambda wildcards: f"<resources>/footage/index{mark(embedder(wildcards))}.json",
        searches=searches,
        model=lambda wildcards: embedding_model(wildcards) if searches(wildcards) else [],
        code=sources("candidates"),
    output:
        candidates="<results>/{project}/scenes/{scene}/candidates.json",
    log:
        "<logs>/candidates/{project}/{scene}.log",
    benchmark:
        "<benchmarks>/candidates/{project}/{scene}.tsv"
    priority: feeding
    group:
        together("search", "embedding")
    localrule: asks_server("embedding")
    conda:
        "../envs/media.yaml"
    threads: embedding_threads
    resources:
        cpus=lambda wildcards, threads: threads,
        api_slots=lambda wildcards, threads: 1 - threads,
    params:
        settings=lambda wildcards: {
            "embedder": embedder(wildcards),
            "height": value("video.height")(wildcards),
            "providers": SETTINGS["stock"]["providers"],
            "width": value("video.width")(wildcards),
        },
    script:
        "../scripts/candidates.py"


rule ranking:
    input:
        candidates="<results>/{project}/scenes/{scene}/candidates.json",
        code=sources("ranking"),
    output:
        ranking="<results>/{project}/scenes/{scene}/ranking.json",
    log:
        "<logs>/ranking/{project}/{scene}.log",
    benchmark:
        "<benchmarks>/ranking/{project}/{scene}.tsv"
    priority: feeding
    retries: 0
    localrule: True
    conda:
        "../envs/network.yaml"
    threads: 0
    resources:
        api_slots=1,
    params:
        settings=lambda wildcards: {
            "frame": orientation(wildcards),
            "llm": asked_model(wildcards, "shortlist"),
            **settings(text="scene.text", visual="scene.visual")(wildcards),
        },
    script:
        "../scripts/ranking.py"


checkpoint selection:
    input:
        candidates=offers,
        avoid=avoided,
        code=sources("selection"),
    output:
        selection=directory("<results>/{project}/selection"),
    log:
        "<logs>/selection/{project}.log",
    benchmark:
        "<benchmarks>/selection/{project}.tsv"
    priority: feeding
    localrule: True
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        cpus=1,
    params:
        settings=wishes,
    script:
        "../scripts/selection.py"


rule clip:
    input:
        selection=lambda wildcards: chosen("<results>/{project}/selection/{scene}.json")(wildcards)[0],
        alternates=alternates,
        code=sources("clip"),
    output:
        clip="<results>/{project}/scenes/{scene}/clip.mp4",
        about="<results>/{project}/scenes/{scene}/clip.json",
    log:
        "<logs>/clip/{project}/{scene}.log",
    benchmark:
        "<benchmarks>/clip/{project}/{scene}.tsv"
    priority: feeding
    retries: 0
    localrule: True
    conda:
        "../envs/network.yaml"
    threads: 0
    resources:
        download_slots=1,
    script:
        "../scripts/clip.py"
