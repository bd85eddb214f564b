"""Benchmarks: `python -m bench` runs all, `python -m bench.build` one. Ratios against something named, side by side."""
