# make demo    a video from nothing: .venv with pinned dependencies, then results/demo/video.mp4
# make test    the same from nothing, then the whole test suite
# make cluster the dependencies in .venv with those of profiles/slurm and profiles/generic
# make test-cluster   its tests on a real Slurm, which is installed on this machine (Debian, as root)
# make check   format, lint, and Snakemake's own lint
# make bench   the figures of docs/benchmarks.md, measured on this machine
# make docs    docs/configuration.md from the schema
# make lock    envs/requirements*.txt from pyproject.toml
# VENV=.venv-other with any of these: an environment beside .venv, as one with the cluster's plugins and one without

PYTHON ?= python3
CORES ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-cluster cluster check bench docs lock clean
.DELETE_ON_ERROR:

demo: $(VENV)/run
	$(BIN)/snakemake --cores $(CORES) results/demo/video.mp4
	@echo "Your video: $(CURDIR)/results/demo/video.mp4"

cluster: $(VENV)/cluster

# Some tests wait, so there is one more at once than cores; a worker that is done takes over others' tests.
test: $(VENV)/dev
	$(BIN)/pytest -n $$(($(CORES) + 1)) --dist worksteal

test-cluster: $(VENV)/dev $(VENV)/cluster
	SLURM_TESTS=1 $(BIN)/pytest -n 4 --durations=0 tests/test_slurm.py

check: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

bench: $(VENV)/dev
	$(BIN)/python -m bench

docs: $(VENV)/run
	$(BIN)/python -m scripts.lib.configuration_docs

lock: $(VENV)/dev
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 \
	    --custom-compile-command "make lock" --output-file envs/requirements.txt pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 \
	    --custom-compile-command "make lock" --constraint envs/requirements.txt --extra cluster --output-file envs/requirements-cluster.txt pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 \
	    --custom-compile-command "make lock" --constraint envs/requirements.txt --extra dev --output-file envs/requirements-dev.txt pyproject.toml

clean:
	rm -rf $(VENV) results resources logs benchmarks .snakemake

# Compiled bytecode makes Snakemake start in 1.0 s instead of 2.6 s; pip compiles what it installs.
$(VENV)/run: envs/requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "content-machine needs Python 3.11 or newer; name one: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV) || { echo "Python's venv is missing; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement envs/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/cluster: $(VENV)/run envs/requirements-cluster.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement envs/requirements-cluster.txt
	@touch $@

$(VENV)/dev: $(VENV)/run envs/requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement envs/requirements-dev.txt
	@touch $@
