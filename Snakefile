# Every artifact is a file: ask for one video, one segment, or nothing and get all.
#
#   snakemake --cores 8
#   snakemake --cores 8 results/demo/video.mp4
#   snakemake -n

import os

from snakemake.utils import min_version

min_version("9.27")


configfile: workflow.source_path("config/config.yaml")


if os.path.exists("config/config.yaml"):

    configfile: "config/config.yaml"  # a workspace's own, laid over the one above


include: "rules/common.smk"
include: "rules/resources.smk"
include: "rules/narration.smk"
include: "rules/footage.smk"
include: "rules/render.smk"
include: "rules/outputs.smk"


wildcard_constraints:
    project=PROJECT,
    scene="[A-Za-z0-9][A-Za-z0-9_-]*",
    background="[a-z0-9][a-z0-9-]*",
    orientation="portrait|landscape",
    refused=REFUSED_PROJECT,


rule all:
    default_target: True
    input:
        [
            collect("<results>/{project}/{file}", project=WANTED, file=DELIVERED),
            collect("<results>/{refused}/refused", refused=REFUSED),
        ],


onsuccess:
    summarise()


onerror:
    summarise()
