# Everything runs in .venv/ inside this checkout.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
IS_311 := $(BIN)/python -c "import sys; sys.exit(sys.version_info >= (3, 12))"

.PHONY: demo test test-unit test-kernels test-all check format clean
.DEFAULT_GOAL := test

demo: $(STAMP)
	rm -rf demo-run
	$(BIN)/radpipe demo --out demo-run

test: $(DEV_STAMP)
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-unit: $(DEV_STAMP)
	$(BIN)/python -m pytest -n 2 -m "not slow" tests/unit tests/property

# Kernels as plain Python, where a slip of an index is an error and not a wrong number.
test-kernels: $(DEV_STAMP)
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -n 2 -m "not slow" tests/unit/extraction tests/property

test-all: $(DEV_STAMP)
	$(BIN)/python -m pytest -n 2 --hypothesis-profile exploring

check: $(DEV_STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/numpydoc lint $$(git ls-files 'radpipe/*.py' ':!radpipe/cli/')

format: $(DEV_STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) demo-run dist build

# PyRadiomics 3.0.1 imports numpy while it is built, hence first numpy and setuptools, then a build
# without isolation. On Python 3.12 and later it does not build at all.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -q -c constraints.txt setuptools wheel numpy
	@if $(IS_311); then \
	  $(PIP) install -q -c constraints.txt --no-build-isolation pyradiomics==3.0.1; \
	else \
	  echo "*** Python 3.12 or later: PyRadiomics 3.0.1 does not build here. The engine 'fast' gives"; \
	  echo "*** its values; to verify them on your own images use PYTHON=python3.11."; \
	fi
	$(PIP) install -q -c constraints.txt -e '.[models,lbp,pyradiomics]'
	touch $@

# Encoders are tested on one Python: torch is the heaviest of all packages.
$(DEV_STAMP): $(STAMP)
	$(PIP) install -q -c constraints.txt -e '.[models,lbp,pyradiomics,dev]'
	@if $(IS_311); then $(PIP) install -q -c constraints.txt -e '.[cnn,hub]'; fi
	touch $@
