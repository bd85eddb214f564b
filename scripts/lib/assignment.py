"""Give each scene one clip so that the whole video fares best, and deal out what is left."""

from __future__ import annotations

import heapq

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching


def assign(costs: dict[str, dict[str, int]]) -> dict[str, str]:
    """One clip a scene, given what each clip that a scene may have costs there (whole numbers from 0).

    As few repeats as can be, spread evenly; then the least sum of costs. The same whatever the order of scenes and
    clips. Every scene needs at least one clip.

    Minimum weight matching (Jonker & Volgenant 1987, as scipy does it) of scenes with uses of clips: a clip's second
    use costs more than first uses could save all together, its third twice that. Further uses are offered only where
    there is no matching without: an assignment with the least such sum is also one with the fewest uses of the most
    used clip (Harvey et al., "Semi-matchings for bipartite graphs", 2006).
    """
    scenes = sorted(costs)
    clips = sorted({clip for offered in costs.values() for clip in offered})
    place = {clip: column for column, clip in enumerate(clips)}
    edges = [(row, place[clip], cost) for row, scene in enumerate(scenes) for clip, cost in costs[scene].items()]
    row, column, cost = np.array(sorted(edges)).T
    repeat = len(scenes) * (cost.max() + 1)
    for uses in range(-(-len(scenes) // len(clips)), len(scenes) + 1):
        use = np.arange(uses).repeat(len(edges))
        weights = np.tile(cost, uses) + use * repeat + 1  # a weight of 0 would be no edge
        columns = np.tile(column, uses) + use * len(clips)
        matrix = coo_array((weights, (np.tile(row, uses), columns)), shape=(len(scenes), uses * len(clips)))
        try:
            _, chosen = min_weight_full_bipartite_matching(matrix.tocsr())
        except ValueError:  # no full matching: too few uses
            continue
        return {scene: clips[column % len(clips)] for scene, column in zip(scenes, chosen, strict=True)}
    raise ValueError("a scene without any clip")


def deal(costs: dict[str, dict[str, int]], free: set[str]) -> dict[str, list[str]]:
    """The `free` clips, each to one of the scenes that may have it, for each scene the cheapest first.

    In rounds: each scene is given one clip a round, the best that is left for it; of two that want the same, the one
    where it costs less has it. The same whatever the order of scenes and clips.
    """
    wanted = {
        scene: iter(sorted((cost, scene, clip) for clip, cost in offered.items() if clip in free))
        for scene, offered in costs.items()
    }
    dealt: dict[str, list[str]] = {scene: [] for scene in costs}
    left = set(free)
    waiting = list(costs)
    while waiting:
        offers = [offer for scene in waiting if (offer := next(wanted[scene], None))]
        heapq.heapify(offers)
        waiting = []
        while offers:
            _, scene, clip = offers[0]
            if clip in left:
                left.remove(clip)
                dealt[scene].append(clip)
                waiting.append(scene)
                heapq.heappop(offers)
            elif offer := next(wanted[scene], None):
                heapq.heapreplace(offers, offer)
            else:
                heapq.heappop(offers)
    return dealt
