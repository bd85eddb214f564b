"""`cm`: the command line for people who do not know Snakemake."""
