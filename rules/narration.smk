"""A scene's text becomes speech, and the times of its words."""


rule narration:
    input:
        voice=value("scene.voice"),
        code=sources("narration"),
    output:
        audio="<results>/{project}/scenes/{scene}/narration.wav",
        narration="<results>/{project}/scenes/{scene}/narration.json",
    log:
        "<logs>/narration/{project}/{scene}.log",
    benchmark:
        "<benchmarks>/narration/{project}/{scene}.tsv"
    priority: feeding
    group:
        together("speech", "narration")
    localrule: asks_server("narration")
    conda:
        "../envs/speech.yaml"
    threads: working("narration.engine")
    resources:
        cpus=lambda wildcards, threads: threads,
        api_slots=lambda wildcards, threads: 1 - threads,
        mem_mb=memory(speaking),
    params:
        settings=spoken,
    script:
        "../scripts/narration.py"


rule words:
    input:
        audio="<results>/{project}/scenes/{scene}/narration.wav",
        narration="<results>/{project}/scenes/{scene}/narration.json",
        recogniser=recogniser,
        code=sources("words"),
    output:
        words="<results>/{project}/scenes/{scene}/words.json",
    log:
        "<logs>/words/{project}/{scene}.log",
    benchmark:
        "<benchmarks>/words/{project}/{scene}.tsv"
    priority: feeding
    group:
        together("speech")
    conda:
        "../envs/speech.yaml"
    threads: listening_cores
    resources:
        cpus=lambda wildcards, threads: threads,
        mem_mb=memory(listening),
        runtime=listening_minutes,
        gpu=listening_gpus,
    params:
        settings=timed,
    script:
        "../scripts/words.py"
