# Everything a fresh clone needs: each target installs first, and installing twice costs nothing.
#
#   make install   .venv with the exact versions of constraints.txt
#   make demo      the tiny pair, from scratch and pretrained, in both orders; its figures in figures/quick (no GPU)
#   make test      lint, types and tests
#   make lint      lint and types alone
#   make bench     the figures of benchmarks/results

PYTHON ?= python3
BIN := .venv/bin

.PHONY: install demo test lint bench
install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))" \
	  || { echo "Python 3.11, 3.12 or 3.13 is needed: make install PYTHON=/path/to/python3.12"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

demo: install
	$(BIN)/probe sweep experiments/quick.py --out runs/quick --workers 2
	$(BIN)/probe plot runs/quick --out figures/quick

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/pytest

bench: install
	$(BIN)/python -m benchmarks.generator
	$(BIN)/python -m benchmarks.steps
	$(BIN)/python -m benchmarks.scan
	$(BIN)/python -m benchmarks.sweeps
	$(BIN)/python -m benchmarks.evaluation cost
	$(BIN)/python -m benchmarks.evaluation agreement
	$(BIN)/python -m benchmarks.stacked
	$(BIN)/python -m benchmarks.vlm all
	$(BIN)/python -m benchmarks.prepare
	$(BIN)/python -m benchmarks.grit_filter
	$(BIN)/python -m benchmarks.scoring
	$(BIN)/python -m benchmarks.answers
