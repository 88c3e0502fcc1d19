# make demo   the whole chain on this machine, from nothing to a promoted model and a report
# make demo PROFILE=smoke   the same with another profile than params.yaml has
# make test   everything CI runs
# make install PYTHON=/path/to/python3.12 TORCH_BACKEND=cpu   (scripts/install.sh)
VENV := .venv
BIN := $(VENV)/bin
export DVC_NO_ANALYTICS := 1
export DAGSTER_HOME := $(CURDIR)/dagster_home
# the chain starts some thirty processes; without bytecode on disk each compiles its libraries anew (6 s instead of 2)
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo install install-hands test test-unit check format ui clean-env system

# what the demo starts ends with make, even if make is killed
demo: export MU0_ENDS_WITH := $(shell echo $$PPID)
demo: install
	$(BIN)/mu0 doctor
	$(if $(PROFILE),$(BIN)/mu0 profile use $(PROFILE))
	$(BIN)/mu0 run
	$(BIN)/mu0 promote || echo "Some model was not promoted; the gates above say why."
	$(BIN)/mu0 sync
	@echo; echo "Report        $$PWD/reports/mu0_report/index.html"
	@echo "Dagster UI    make ui          (http://127.0.0.1:3000)"
	@echo "MLflow UI     $(BIN)/mlflow ui --backend-store-uri sqlite:///mlflow.db --host 127.0.0.1"
	@echo "Champion      models:/mu0-world-model@champion in the MLflow registry"

install:
	@VENV="$(VENV)" PYTHON="$(PYTHON)" TORCH_BACKEND="$(TORCH_BACKEND)" sh scripts/install.sh

# joints of hands (extract.hands), in an environment of their own: docs/hands.md
install-hands: install
	@sh scripts/install_hands.sh

test: install check
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -q --durations=12

test-unit: install
	$(BIN)/python -m pytest -n 2 -q -m "not slow and not e2e"

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/mu0 dvc-yaml --check

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

ui: install
	$(BIN)/dg dev --host 127.0.0.1

clean-env:
	rm -rf $(VENV)
