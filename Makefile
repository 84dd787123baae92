# Every target does its own set-up: on a machine with Python 3.11+ and pip, `make demo` or `make test` is all it takes.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help setup dev demo test test-fast cases lint types format bench faults fuzz fuzz-coverage soak audit docs clip dist clean

help:            ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/.pip:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@touch $@

# Modules are compiled when they are first used: most of torch never is.
.venv/.runtime: pyproject.toml | .venv/.pip
	$(BIN)/python -m pip install --quiet --no-compile -e .
	@touch $@

.venv/.dev: pyproject.toml | .venv/.pip
	$(BIN)/python -m pip install --quiet --no-compile -e . --group dev
	@touch .venv/.runtime $@

setup: .venv/.runtime   ## a virtual environment with ivif in it

dev: .venv/.dev   ## the same with test, lint and type tools

demo: setup      ## fuse the bundled pair and print where the picture is
	$(BIN)/ivif demo -o out/demo
	@echo 'or, once for this shell: . $(BIN)/activate    after which `ivif` alone is enough'

test: dev        ## all tests, in two processes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist worksteal --durations 30

test-fast: dev   ## the tests that take seconds
	$(BIN)/python -m pytest -q -m 'not slow'

cases: dev       ## what cameras and people really give, one line each, and the tally
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -v --no-header tests/cases tests/data/test_kinds.py tests/data/test_flir_jpeg.py tests/data/test_borders.py tests/data/test_cropping.py tests/data/test_time_stamps.py tests/data/test_datasets.py tests/commands/test_fuse_runs.py tests/commands/test_fuse_doors.py tests/video/test_live.py tests/video/test_rtsp.py tests/video/test_time_pairs.py tests/video/test_carried_over.py tests/release/test_inputs_page.py

lint: dev        ## format check and lint
	$(BIN)/ruff format --check . && $(BIN)/ruff check .

types: dev       ## static types
	$(BIN)/mypy

format: dev      ## apply format and safe fixes
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

bench: dev       ## print the measured speed ratios
	for script in network video metrics fuse train_step; do OMP_NUM_THREADS=1 $(BIN)/python benchmarks/$$script.py || exit 1; done

faults: dev      ## kill, starve and cut ivif 100 times a kind, and print what survived
	OMP_NUM_THREADS=1 $(BIN)/python -m tools.faults --kills 100

fuzz: dev        ## 100,000 random cases of damaged and hostile input
	OMP_NUM_THREADS=1 $(BIN)/python -m tools.fuzz --cases 100000

fuzz-coverage: dev ## the same guided by coverage, 100,000 runs a reader (installs atheris)
	$(BIN)/python -m pip install --quiet atheris
	for reader in image weights recipe prompts baseline; do OMP_NUM_THREADS=1 $(BIN)/python -m tools.fuzz_coverage $$reader -runs=100000 -verbosity=0 || exit 1; done

soak: dev        ## 20,000 small pairs through fuse and evaluate; prints memory over time
	OMP_NUM_THREADS=1 $(BIN)/python -m tools.soak --pairs 20000

audit: dev       ## look the installed packages up in the advisory database
	$(BIN)/python -m tools.audit

docs: dev        ## the documentation as a site in out/docs; links are checked
	$(BIN)/python -m mkdocs build --strict

clip: dev        ## train the compact CLIP from fresh weights (two hours of one core), in the bundled file's space
	OMP_NUM_THREADS=1 $(BIN)/python -m tools.compact_clip.train --space weights/compact-clip.safetensors --calibrate
	OMP_NUM_THREADS=1 $(BIN)/python -m tools.compact_clip.report_card --card

dist: dev        ## wheel and sdist in dist/, checked
	$(BIN)/python -m build && $(BIN)/python -m twine check --strict dist/*

clean:           ## everything that can be made again
	rm -rf .venv build dist out .pytest_cache .mypy_cache .ruff_cache *.egg-info
