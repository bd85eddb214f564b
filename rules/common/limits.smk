"""What a run may use at once, what a job takes of it, and which job goes first."""

import sys
from pathlib import Path

from scripts.lib.cluster import keep_keys_here
from scripts.lib.machine import memory_mb

# The limits. Defaults of Snakemake's own global resources: the command line and profiles lay theirs over them by key.

limits = {
    "api_slots": SETTINGS["concurrency"]["api"],
    "stock_slots": SETTINGS["concurrency"]["stock"],
    "download_slots": SETTINGS["concurrency"]["downloads"],
    "cpus": SETTINGS["concurrency"]["rendering"],
    "mem_mb": None if ON_CLUSTER else memory_mb(),
    "gpu": None if ON_CLUSTER else 1,
}
for name, limit in limits.items():
    if limit is not None:
        workflow.global_resources.setdefault(name, limit)

# On one machine cores are counted as cpus alone. By its own count of cores Snakemake starts nothing while all are
# taken, not even what waits on the network and needs none; given a number of jobs (_nodes), it leaves that count be.
# And a job needs a worker of its pool, which holds five more than there are cores: here, one more for every slot.
if not ON_CLUSTER and workflow.is_main_process and workflow.resource_settings.cores:
    cores = workflow.resource_settings.cores
    workflow.global_resources["cpus"] = min(cores, workflow.global_resources.get("cpus").value or cores)
    workflow.global_resources["_nodes"] = sys.maxsize
    slots = [workflow.global_resources[name].value for name in ("api_slots", "download_slots")]
    workflow.resource_settings.cores = cores + sum(slots)


if ON_CLUSTER and workflow.is_main_process:
    own = [Path(f"projects/{name}/config.yaml") for name in projects if name not in SOUND]
    keep_keys_here(
        [SETTINGS, *(found.settings for found in SOUND.values())],
        [path.read_text(encoding="utf-8", errors="replace") for path in own if path.is_file()],
        ROOT / "profiles/bin",
    )


def working(key):
    """A threads function: one, or none where the engine of `value`'s key is a server, which is only waited for."""
    return lambda wildcards: int(value(key)(wildcards) != "openai")


def asks_server(section):
    """Whether some project's engine is a server: the rule's jobs then stay where the run, its keys and its ledger are."""
    return any(found.settings[section]["engine"] == "openai" for found in PROJECTS.values())


def together(group, section=None):
    """The group that a rule's jobs go to a cluster in: what belongs to one scene takes one submission. None where
    `section`'s engine is a server: the jobs of a group are never local."""
    return group if ON_CLUSTER and not (section and asks_server(section)) else None


def memory(needed):
    """A resource function: the megabytes that a job takes, as the function of wildcards `needed` says. On a cluster,
    more with each attempt, and room for the two Snakemakes that start it on its node; on one machine, no more than
    there are: a job that asks for more ends a run."""
    if ON_CLUSTER:
        return lambda wildcards, attempt: (needed(wildcards) + 300) * attempt
    return lambda wildcards: min(needed(wildcards), memory_mb())


# Priorities: earlier projects first, so that whole videos come out one by one; within one, the short jobs that feed
# the renders, then the longest scenes, so that the end of a build is not one long render.

RANK = {name: rank for rank, name in enumerate(reversed(PROJECTS), start=1)}


def feeding(wildcards):
    return RANK.get(wildcards.project, 0) * 100_000 + 50_000


def longest_first(wildcards):
    return RANK.get(wildcards.project, 0) * 100_000 + min(len(value("scene.text")(wildcards)), 49_999)
