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
    retries: 0
    localrule: True
    conda:
        "../envs/network.yaml"
    threads: 0
    resources:
        download_slots=1,
    script:
        "../scripts/minilm.py"


rule voice_kokoro:
    input:
        code=sources("voice_kokoro"),
    output:
        model="<resources>/voices/kokoro/{model}/model.onnx",
        voices="<resources>/voices/kokoro/{model}/voices.bin",
        manifest="<resources>/voices/kokoro/{model}/manifest.json",
    log:
        "<logs>/voice_kokoro/{model}.log",
    benchmark:
        "<benchmarks>/voice_kokoro/{model}.tsv"
    wildcard_constraints:
        model=r"kokoro-[\w.]+",
    retries: 0
    localrule: True
    conda:
        "../envs/network.yaml"
    threads: 0
    resources:
        download_slots=1,
    script:
        "../scripts/voice_kokoro.py"


rule voice_piper:
    input:
        code=sources("voice_piper"),
    output:
        model="<resources>/voices/piper/{voice}/model.onnx",
        config="<resources>/voices/piper/{voice}/model.onnx.json",
        card="<resources>/voices/piper/{voice}/MODEL_CARD",
        manifest="<resources>/voices/piper/{voice}/manifest.json",
    log:
        "<logs>/voice_piper/{voice}.log",
    benchmark:
        "<benchmarks>/voice_piper/{voice}.tsv"
    wildcard_constraints:
        voice=r"[\w.-]+",
    retries: 0
    localrule: True
    conda:
        "../envs/network.yaml"
    threads: 0
    resources:
        download_slots=1,
    script:
        "../scripts/voice_piper.py"


rule whisper_model:
    input:
        files=own_recogniser,
        code=sources("whisper_model"),
    output:
        manifest="<resources>/models/whisper/{recogniser}/{manifest}.json",
    log:
        "<logs>/whisper_model/{recogniser}/{manifest}.log",
    benchmark:
        "<benchmarks>/whisper_model/{recogniser}/{manifest}.tsv"
    wildcard_constraints:
        recogniser=r"[\w.-]+",
        manifest="manifest|manifest-if-any",
    retries: 0
    localrule: True
    conda:
        "../envs/network.yaml"
    threads: 0
    resources:
        download_slots=1,
    script:
        "../scripts/whisper_model.py"


rule footage_index:
    input:
        files=lambda wildcards: footage_files(),
        catalogue=repo("config/backgrounds.yaml"),
        model=embedding_model,
        code=sources("footage_index"),
    output:
        index="<resources>/footage/index{embedder}.json",
    log:
        "<logs>/footage_index/index{embedder}.log",
    benchmark:
        "<benchmarks>/footage_index/index{embedder}.tsv"
    wildcard_constraints:
        embedder="(-[0-9a-f]{8})?",
    priority: 1_000_000_000  # every choice waits for it
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
            "folder": SETTINGS["stock"]["local"]["path"] if footage_files() else "",
        },
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
    priority: 1_000_000_000  # a scene waits for it, and it is among the longest jobs
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
