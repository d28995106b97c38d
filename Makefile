# The whole manual: `make demo` sets everything up and runs the main job, `make test` sets everything
# up and passes. DATA= names real folders to run the demo on, OUT= where its results go.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DATA ?= $(wildcard ../shared/data/kitti_raw_drive ../shared/data/sustechpoints)
OUT ?= out
RUN := $(BIN)/lidar-label

.PHONY: demo test check setup format clean

setup: $(VENV)/.ready viewers/assets/editor.js

$(VENV)/.ready: pyproject.toml tests/devkits.txt
	@echo "setting up $(VENV) (a few minutes the first time) …"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r tests/devkits.txt
	@touch $@

viewers/assets/editor.js: $(VENV)/.ready $(wildcard viewers/editor/*.json viewers/editor/*.mjs) $(shell find viewers/editor/src -type f)
	$(BIN)/python viewers/editor/build_backend.py
	@touch $@

# Import, annotate, evaluate where the folder came with labels, export: $(1) is the folder.
define annotate_folder
	$(RUN) import '$(1)' '$(OUT)/$(notdir $(1)).h5' --force
	$(call annotate_recording,$(OUT)/$(notdir $(1)))
endef

# $(1) is the recording's path without its ending.
define annotate_recording
	$(RUN) annotate '$(1).h5' -o '$(1).proposals.parquet' --report '$(1).report' --force
	if [ -f '$(1).labels.parquet' ]; then \
	    $(RUN) evaluate '$(1).proposals.parquet' '$(1).labels.parquet' --min-points 10 --max-range 40; \
	fi
	$(RUN) export '$(1).proposals.parquet' --recording '$(1).h5' --format kitti -o '$(1).kitti' --force

endef

demo: setup
	@mkdir -p '$(OUT)'
	$(RUN) simulate '$(OUT)/drive.h5' --seconds 20 --force
	$(call annotate_recording,$(OUT)/drive)
	$(foreach folder,$(DATA),$(call annotate_folder,$(folder)))
	@echo
	@echo "Look at:"
	@find '$(OUT)' -name '*.html' | sed 's/^/  /'

test: setup check
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tests/typing_tree.py
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/python viewers/editor/build_backend.py check test

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build dist out *.egg-info viewers/assets viewers/editor/node_modules
