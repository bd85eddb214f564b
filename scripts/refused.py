"""Say what is wrong with a project, and fail: its job stands for every file of it."""

from scripts.lib.errors import UserError
from scripts.lib.job import job

if __name__ == "__main__":
    with job(snakemake.log[0]):
        raise UserError("\nerror: ".join(snakemake.params.settings["problems"]))
