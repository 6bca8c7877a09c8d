# One door for every command; CI calls the same door. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
DEFAULT := $(VENV)/.default
DEV := $(VENV)/.dev

.DEFAULT_GOAL := help
.PHONY: help chat run index demo-session doctor test test-llm test-drafts check audit faults format bench bench-wall picture wall-picture font sbert lock clean

help:  ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(DEFAULT): $(BIN)/python pyproject.toml constraints.txt
	@echo "安装依赖，第一次要几分钟…… Installing; the first time takes some minutes." >&2
	@$(PIP) install -c constraints.txt -e . >&2
	@touch $@

$(DEV): $(BIN)/python pyproject.toml constraints.txt
	@echo "安装开发依赖…… Installing for development." >&2
	@$(PIP) install -c constraints.txt -e '.[dev]' >&2
	@touch $@ $(DEFAULT)

chat: $(DEFAULT)  ## ask in the terminal; no token, no key
	@$(BIN)/wanggui chat

run: $(DEFAULT)  ## the Telegram bot (needs WANGGUI_TELEGRAM_TOKEN)
	@$(BIN)/wanggui run

index: $(DEFAULT)  ## rebuild the knowledge base
	@$(BIN)/wanggui index

demo-session: $(DEFAULT)  ## play a session with invented people, in the terminal and on the projector page; no token
	@$(BIN)/wanggui demo

doctor: $(DEFAULT)  ## check settings, token, index and model
	@$(BIN)/wanggui doctor

test: $(DEV)  ## every test
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -n auto --dist loadfile
	@$(BIN)/coverage combine -q
	@$(BIN)/coverage report

test-llm: $(DEV)  ## answers by a small real model: fetched once (0.6 GB), some minutes
	@$(BIN)/python -m pytest -m llm -s tests/llm/test_real_model.py

test-drafts: $(DEV)  ## 10,000 generated drafts: no false quote, no wrong number
	@$(BIN)/python -m pytest -s --hypothesis-profile=thorough tests/property/test_generated_drafts.py

check: $(DEV)  ## formatting, lint, types, import contracts, known holes
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.audit

audit: $(DEV)  ## ask whether anything is known against a dependency; an error where that cannot be asked
	@$(BIN)/python -m tests.audit --strict

format: $(DEV)  ## format and mend what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

faults: $(DEV)  ## the fault suite at full length (half an hour); figures into tests/benchmark/faults.json
	@$(BIN)/python -m tests.faults

bench: $(DEV)  ## speed and memory, beside the plain pipeline (extra sbert) and a bare Telegram echo
	@$(BIN)/python -m tests.benchmark.answering
	@$(BIN)/python -m tests.benchmark.telegram

bench-wall: $(DEV)  ## the projector page before 300 viewers: how soon a vote is on the screen (needs chromium)
	@$(BIN)/python -m tests.benchmark.wall

picture: $(DEV)  ## draw docs/*.png from real answers (needs chromium)
	@$(BIN)/python -m tests.picture

wall-picture: $(DEV)  ## draw docs/wall-*.png from a real session (needs chromium)
	@$(BIN)/python -m tests.wall

font: $(DEV)  ## cut the fonts of pictures and papers (needs fonts-noto-cjk)
	@$(BIN)/python -m tests.picture.font

sbert: $(DEV)  ## install the extra sbert (torch, CPU build)
	@$(PIP) install torch==2.13.0 >&2
	@$(PIP) install -c constraints.txt -e '.[dev,sbert]' >&2

lock: $(DEV)  ## write constraints.txt from what is installed
	@$(BIN)/python -m pip freeze --exclude-editable | grep -vE '^(torch|nvidia|triton)' > constraints.txt && echo 'torch==2.13.0' >> constraints.txt

clean:  ## remove what commands have made
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
