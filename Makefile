# The two commands a newcomer needs are `make demo` and `make test`; each sets everything up first.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: setup demo test bench leaderboard lint clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "TST-Bench needs Python 3.10 or newer; name one: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

demo: setup
	$(BIN)/tst-bench demo

test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

bench: setup
	mkdir -p .benchmarks
	$(BIN)/python -m pytest tests/bench --benchmark-only -o python_files='bench_*.py' --benchmark-group-by=group,func \
		--benchmark-json=".benchmarks/$$($(BIN)/python -m benchmark.bench)"

leaderboard: setup
	$(BIN)/tst-bench leaderboard build leaderboard/results/site --entries leaderboard/results
	-$(BIN)/python -m webbrowser "file://$(CURDIR)/leaderboard/results/site/index.html"

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) *.egg-info build dist .pytest_cache .mypy_cache .ruff_cache
