# The two commands of a newcomer are `make demo` and `make test`; both make .venv first.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint soak gpu audit browser overhead clean

demo: .venv/installed
	@$(BIN)/ouroboros run tune_configs/digits.yaml

# two processes, each with whole files of tests: most wait for processes of their own to start;
# files that share a run are done by one of them
test: lint
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# what takes too long for every change; first ten minutes of faults, drawn by the seed
SEED ?= 0
soak: .venv/installed
	$(BIN)/python -m tests.faults --seconds 600 --seed $(SEED)
	$(BIN)/python -m pytest -m soak

# what needs a GPU: without one both say so in a line. Where little is installed, an environment with
# torch, NumPy, PyArrow, scikit-learn, SciPy and pytest does: `make gpu GPU_PYTHON=python3`
GPU_PYTHON ?= $(BIN)/python
gpu: $(if $(filter $(BIN)/python,$(GPU_PYTHON)),.venv/installed)
	$(GPU_PYTHON) -m pytest --confcutdir tests/gpu tests/gpu || test $$? -eq 5  # all are skipped
	$(GPU_PYTHON) -m tests.benchmarks.gpu

# secrets in the repository, then known vulnerabilities of the tested versions; the second asks PyPI,
# and fails where PyPI does not answer
audit: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint cluster/constraints.txt --editable '.[audit]'
	git ls-files -z | xargs -0 $(BIN)/detect-secrets-hook
	$(BIN)/pip-audit --requirement cluster/constraints.txt --no-deps --disable-pip --strict \
		--progress-spinner off

# Chromium for the tests that open pages, which are skipped without it; needs Debian and root
browser:
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends chromium > /dev/null

overhead: .venv/installed
	$(BIN)/python -m tests.benchmarks.overhead

.venv/installed: pyproject.toml cluster/constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint cluster/constraints.txt --editable '.[cpu,test]'
	touch $@

clean:
	rm -rf .venv runs build *.egg-info
