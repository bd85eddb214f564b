"""A brief becomes a script, when it is asked for: snakemake --cores 1 projects/NAME/script.json. No other rule has either
as input, so that to build a video never asks for a script."""


rule proposal:
    input:
        brief=brief,
        code=sources("proposal"),
    output:
        proposal="<results>/{project}/proposal.json",
    log:
        "<logs>/proposal/{project}.log",
    benchmark:
        "<benchmarks>/proposal/{project}.tsv"
    retries: 0
    localrule: True
    conda:
        "../envs/network.yaml"
    threads: 0
    resources:
        api_slots=1,
    params:
        settings=lambda wildcards: {
            "llm": asked_model(wildcards),
            "voice": pace(wildcards),
        },
    script:
        "../scripts/proposal.py"


rule script:
    input:
        proposal="<results>/{project}/proposal.json",
        code=sources("script"),
    output:
        # Not deleted before the job runs, and restored should it fail: it may be a person's work.
        script=update("projects/{project}/script.json"),
    log:
        "<logs>/script/{project}.log",
    benchmark:
        "<benchmarks>/script/{project}.tsv"
    wildcard_constraints:
        project="[a-z0-9][a-z0-9-]*",  # a faulty project's too, whose proposal then leads to its faults
    localrule: True
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        cpus=1,
    script:
        "../scripts/script.py"
