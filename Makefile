# Two commands on a fresh machine: `make demo` and `make test`. Both set up what they need first.
.PHONY: demo test check bench setup picture clean

PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

# Debian packages, installed through apt where we may, else named: `make apt PACKAGES="a b"`.
APT := sh systemd/apt-install

demo: $(VENV)/.demo
	$(BIN)/hallgate demo

test: $(VENV)/.test
	$(APT) mosquitto:mosquitto mosquitto-clients:mosquitto_sub
	$(BIN)/python -m pytest

check: $(VENV)/.check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.test
	$(APT) mosquitto:mosquitto
	$(BIN)/python -m bench

setup: $(VENV)/.demo $(VENV)/.test $(VENV)/.check

# The picture of the page in the README, of a simulated hall.
picture: $(VENV)/.demo
	$(APT) chromium:chromium fonts-noto-cjk:/usr/share/fonts/opentype/noto
	$(BIN)/python docs/picture.py

$(VENV)/.made:
	@test -n "$(PYTHON)" || $(APT) python3:python3.11 python3-venv:-
	@$${PYTHON:-$(or $(PYTHON),python3)} -c 'import ensurepip' 2>/dev/null || $(APT) python3-venv:-
	$(or $(PYTHON),python3) -m venv $(VENV)
	@touch $@

$(VENV)/.demo: $(VENV)/.made pyproject.toml
	$(PIP) install --editable '.[demo]'
	@touch $@

$(VENV)/.test: $(VENV)/.made pyproject.toml
	$(PIP) install --editable '.[demo,test]'
	@touch $@

$(VENV)/.check: $(VENV)/.made pyproject.toml
	$(PIP) install --editable '.[demo,test,check]'
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
