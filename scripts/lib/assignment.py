"""Give each scene one clip so that the whole video fares best."""

from __future__ import annotations

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
