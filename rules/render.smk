"""Words become captions, clips become segments, narrations the soundtrack; joined, they are the video."""


rule captions:
    input:
        words="<results>/{project}/scenes/{scene}/words.json",
        fonts=caption_fonts,
        code=sources("captions"),
    output:
        captions="<results>/{project}/scenes/{scene}/captions.ass",
    log:
        "<logs>/captions/{project}/{scene}.log",
    benchmark:
        "<benchmarks>/captions/{project}/{scene}.tsv"
    priority: feeding
    group:
        together("speech")
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        cpus=1,
    params:
        settings=settings(
            "captions",
            width="video.width",
            height="video.height",
            pad_before="narration.pad_before",
            pad_after="narration.pad_after",
        ),
    script:
        "../scripts/captions.py"


rule segment:
    input:
        media=lambda wildcards: shown_in(wildcards.scene, wildcards),
        words="<results>/{project}/scenes/{scene}/words.json",
        captions="<results>/{project}/scenes/{scene}/captions.ass",
        fonts=caption_fonts,
        code=sources("segment"),
    output:
        segment="<results>/{project}/scenes/{scene}/segment.mp4",
    log:
        "<logs>/segment/{project}/{scene}.log",
    benchmark:
        "<benchmarks>/segment/{project}/{scene}.tsv"
    priority: longest_first
    conda:
        "../envs/media.yaml"
    threads: value("video.threads")
    resources:
        cpus=lambda wildcards, threads: threads,
        mem_mb=memory(rendering),
        runtime=rendering_minutes,
    params:
        settings=settings("video", pad_before="narration.pad_before", pad_after="narration.pad_after"),
    script:
        "../scripts/segment.py"


rule soundtrack:
    input:
        narrations=scenes("<results>/{project}/scenes/{scene}/narration.wav"),
        music=lambda wildcards: [path for path in [value("music.path")(wildcards)] if path],
        code=sources("soundtrack"),
    output:
        soundtrack="<results>/{project}/soundtrack.m4a",
    log:
        "<logs>/soundtrack/{project}.log",
    benchmark:
        "<benchmarks>/soundtrack/{project}.tsv"
    priority: feeding
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        cpus=1,
    params:
        settings=on_the_grid(volume_db="music.volume_db", duck_db="music.duck_db"),
    script:
        "../scripts/soundtrack.py"


rule video:
    input:
        segments=chosen("<results>/{project}/scenes/{scene}/segment.mp4"),
        soundtrack="<results>/{project}/soundtrack.m4a",
        words=scenes("<results>/{project}/scenes/{scene}/words.json"),
        code=sources("video"),
    output:
        video="<results>/{project}/video.mp4",
    log:
        "<logs>/video/{project}.log",
    benchmark:
        "<benchmarks>/video/{project}.tsv"
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
        "../scripts/video.py"
