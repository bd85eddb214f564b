"""What all projects share: the embedding model, the index of the footage that is at hand, the generated backgrounds."""


rule minilm:
    input:
        code=sources("minilm"),
    output:
        manifest="<resources>/models/minilm/manifest.json",
        weights="<resources>/models/minilm/model.safetensors",
        tokenizer="<resources>/models/minilm/tokenizer.json",
    log:
        "<logs>/minilm.log",
    benchmark:
        "<benchmarks>/minilm.tsv"
    conda:
        "../envs/network.yaml"
    threads: 0
    resources:
        download_slots=1,
    script:
        "../scripts/minilm.py"


rule footage_index:
    input:
        files=footage_files(),
        catalogue=repo("config/backgrounds.yaml"),
        model="<resources>/models/minilm/manifest.json",
        code=sources("footage_index"),
    output:
        index="<resources>/footage/index.json",
    log:
        "<logs>/footage_index.log",
    benchmark:
        "<benchmarks>/footage_index.tsv"
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        cpus=1,
    params:
        settings={"folder": SETTINGS["stock"]["local"]["path"] if footage_files() else ""},
    script:
        "../scripts/footage_index.py"


rule background:
    input:
        code=sources("background"),
    output:
        background="<resources>/footage/procedural/{background}-{orientation}.mp4",
    log:
        "<logs>/background/{background}-{orientation}.log",
    benchmark:
        "<benchmarks>/background/{background}-{orientation}.tsv"
    priority: 10_000_000  # a scene waits for it, and it is among the longest jobs
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        cpus=1,
    params:
        settings=lambda wildcards: {
            "id": wildcards.background,
            "orientation": wildcards.orientation,
            "recipe": recipe(wildcards.background),
        },
    script:
        "../scripts/background.py"
