"""What stands beside the video: subtitles, picture, credits, tables of other tools, verdict, costs; and refusals."""


rule subtitles:
    input:
        words=scenes("<results>/{project}/scenes/{scene}/words.json"),
        code=sources("subtitles"),
    output:
        srt="<results>/{project}/video.srt",
        vtt="<results>/{project}/video.vtt",
    log:
        "<logs>/subtitles/{project}.log",
    benchmark:
        "<benchmarks>/subtitles/{project}.tsv"
    priority: feeding
    localrule: True
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        cpus=1,
    params:
        settings=on_the_grid(),
    script:
        "../scripts/subtitles.py"


rule thumbnail:
    input:
        segment=first_segment,
        code=sources("thumbnail"),
    output:
        thumbnail="<results>/{project}/thumbnail.jpg",
    log:
        "<logs>/thumbnail/{project}.log",
    benchmark:
        "<benchmarks>/thumbnail/{project}.tsv"
    priority: feeding
    localrule: True
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        cpus=1,
    script:
        "../scripts/thumbnail.py"


rule credits:
    input:
        selections=shown,
        code=sources("credits"),
    output:
        credits="<results>/{project}/credits.md",
    log:
        "<logs>/credits/{project}.log",
    benchmark:
        "<benchmarks>/credits/{project}.tsv"
    priority: feeding
    localrule: True
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        cpus=1,
    params:
        settings=lambda wildcards: {
            "hashtags": project(wildcards).hashtags,
            "scenes": order(wildcards),
            "title": project(wildcards).title,
        },
    script:
        "../scripts/credits.py"


rule timestamps:
    input:
        words=scenes("<results>/{project}/scenes/{scene}/words.json"),
        code=sources("timestamps"),
    output:
        timestamps="<results>/{project}/timestamps.json",
    log:
        "<logs>/timestamps/{project}.log",
    benchmark:
        "<benchmarks>/timestamps/{project}.tsv"
    priority: feeding
    localrule: True
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        cpus=1,
    params:
        settings=on_the_grid(engine="narration.engine"),
    script:
        "../scripts/timestamps.py"


rule visuals:
    input:
        selections=shown,
        media=lambda wildcards: [shown_in(scene, wildcards) for scene in order(wildcards)],
        words=scenes("<results>/{project}/scenes/{scene}/words.json"),
        code=sources("visuals"),
    output:
        visuals="<results>/{project}/visuals.json",
    log:
        "<logs>/visuals/{project}.log",
    benchmark:
        "<benchmarks>/visuals/{project}.tsv"
    priority: feeding
    localrule: True
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        cpus=1,
    params:
        settings=on_the_grid(embedding="embedding.engine"),
    script:
        "../scripts/visuals.py"


rule quality:
    input:
        video="<results>/{project}/video.mp4",
        selections=shown,
        captions=scenes("<results>/{project}/scenes/{scene}/captions.ass"),
        words=scenes("<results>/{project}/scenes/{scene}/words.json"),
        code=sources("quality"),
    output:
        quality="<results>/{project}/quality.json",
    log:
        "<logs>/quality/{project}.log",
    benchmark:
        "<benchmarks>/quality/{project}.tsv"
    priority: feeding
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        cpus=1,
    params:
        settings=on_the_grid("captions", width="video.width", height="video.height"),
    script:
        "../scripts/quality.py"


rule usage:
    input:
        artifacts=asked_for,
        code=sources("usage"),
    output:
        usage="<results>/{project}/usage.json",
    log:
        "<logs>/usage/{project}.log",
    benchmark:
        "<benchmarks>/usage/{project}.tsv"
    priority: feeding
    localrule: True
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        cpus=1,
    params:
        settings=lambda wildcards: {
            "embedder": value("embedding.model")(wildcards),
            # By value: with proposal.json as an input, a new brief would have a script written when a video is built.
            "proposal": project(wildcards).cost,
        },
    script:
        "../scripts/usage.py"


rule refused:
    output:
        # Never written. A file of its own, so that what an earlier, sound version of the project made is left alone.
        refused="<results>/{refused}/refused",
    log:
        "<logs>/refused/{refused}.log",
    benchmark:
        "<benchmarks>/refused/{refused}.tsv"
    retries: 0
    localrule: True
    conda:
        "../envs/media.yaml"
    threads: 0
    resources:
        api_slots=0,
    params:
        settings=lambda wildcards: {"problems": REFUSED[wildcards.refused].problems},
    script:
        "../scripts/refused.py"


rule refused_file:
    input:
        refused="<results>/{refused}/refused",
    output:
        file="<results>/{refused}/{file}",
    log:
        "<logs>/refused_file/{refused}/{file}.log",
    wildcard_constraints:
        file="(?!refused$).+",
    conda:
        "../envs/media.yaml"
    threads: 0
    shell:
        "false  # never reached: its input is never made"
