# Every artifact is a file: ask for one video, one segment, or nothing and get all.
#
#   snakemake --cores 8
#   snakemake --cores 8 results/demo/video.mp4
#   snakemake -n

from snakemake.utils import min_version

min_version("9.27")


include: "rules/common.smk"
include: "rules/script.smk"
include: "rules/resources.smk"
include: "rules/narration.smk"
include: "rules/footage.smk"
include: "rules/render.smk"
include: "rules/outputs.smk"


wildcard_constraints:
    project=PROJECT,
    scene="[A-Za-z0-9][A-Za-z0-9_-]*",
    provider="pexels|pixabay",
    background="[a-z0-9][a-z0-9-]*",
    orientation="portrait|landscape",
    refused=REFUSED_PROJECT,


rule all:
    default_target: True
    input:
        [
            collect("<results>/{project}/{file}", project=wanted(PROJECTS), file=DELIVERED),
            collect("<results>/{project}/usage.json", project=costing(PROJECTS)),
            collect("<results>/{refused}/refused", refused=wanted(REFUSED)),
        ],


onstart:
    tidy_up()


onsuccess:
    summarise()


onerror:
    summarise()
