"""All benchmarks, one after another, as the tables of docs/benchmarks.md."""

from bench import build, network, plan, schedule

for benchmark in (build, schedule, plan, network):
    benchmark.main()
