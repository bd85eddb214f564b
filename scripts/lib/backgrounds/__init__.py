"""Moving backgrounds that are painted, not filmed: `painters` paint frames from a recipe, `encode` makes a clip."""
