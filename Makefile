# The two commands a newcomer needs are `make run` and `make test`; CI calls `make check` and `make test`.
VENV := .venv
PY := $(VENV)/bin/python
UV := $(VENV)/bin/uv
UV_VERSION := 0.13.9
SYNC := $(UV) sync --frozen --inexact --quiet

DEMO := .rescue-demo

.PHONY: run demo review test check fix docs samples bench soak system screenshots clean

# The samples have money in two currencies.
SAMPLE_SETTINGS := RESCUE_CURRENCY__CODE=EUR RESCUE_CURRENCY__RATES='{"USD": 0.92}'

run: $(VENV)/.run
	@$(SAMPLE_SETTINGS) $(VENV)/bin/rescue nightly --data data_samples --home .rescue --as-of 2026-07-01
	@echo "Next: $(VENV)/bin/rescue queue list, or $(VENV)/bin/rescue review --home .rescue --demo"

# Sixty nights of an invented company, worked by eight simulated people; less than three minutes on two cores.
demo: $(VENV)/.run
	@$(VENV)/bin/rescue demo --home $(DEMO)

# The demo in the browser: links for a lead, a reviewer, an analyst and a viewer.
review: $(VENV)/.run
	@[ -f $(DEMO)/rescue.db ] || $(VENV)/bin/rescue demo --home $(DEMO) --no-next
	@RESCUE_CONFIG=$(DEMO)/rescue.toml $(VENV)/bin/rescue review --demo

# A file of tests stays in one process, and files go out in the order of the folders: the slow ones (faults, property,
# spec) come first. By default xdist begins with the files of most tests, and the slowest files end the run alone.
test: $(VENV)/.dev system
	@$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not soak"

check: $(VENV)/.dev
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports
	@$(PY) -m pipelines.reference.generate --check
	@$(PY) -m pipelines.simulator.samples --check

fix: $(VENV)/.dev
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

docs: $(VENV)/.dev
	@$(PY) -m pipelines.reference.generate

samples: $(VENV)/.dev
	@$(PY) -m pipelines.simulator.samples

# Every page, light and dark, wide and narrow, into build/screenshots; the ones of the README into docs/images.
screenshots: $(VENV)/.dev system
	@PYTHONPATH=tests $(PY) -m support.web.screenshots

soak: $(VENV)/.dev system
	@$(PY) -m pytest -m soak -p no:cacheprovider

# A browser and Java for the tests that drive them: installed where this user may, else those tests say why they skip.
system:
	@sh .ci/system-packages

$(UV):
	@python3 -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/.run: pyproject.toml uv.lock | $(UV)
	@echo "Setting up $(VENV) from the lock file; this happens once"
	@$(SYNC) --no-dev
	@touch $@

$(VENV)/.dev: pyproject.toml uv.lock | $(UV)
	@$(SYNC) --all-extras
	@touch $@ $(VENV)/.run

# The peers of the races live in an environment of their own: none of them is a dependency.
PEERS := benchmarks/.venv-peers
SIZE := 10000

$(PEERS)/.ready: benchmarks/peers.txt
	@python3 -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/peers.txt
	@touch $@

build/sim$(SIZE): | $(VENV)/.dev
	@$(VENV)/bin/rescue simulate --accounts $(SIZE) --world plain --flaws 0 --out $@

build/home$(SIZE): build/sim$(SIZE)
	@$(VENV)/bin/rescue train --data build/sim$(SIZE) --home $@

bench: $(VENV)/.dev $(PEERS)/.ready build/home$(SIZE)
	@$(PY) benchmarks/features_race.py build/sim$(SIZE) --cutoffs 1 52
	@$(PY) benchmarks/night_race.py build/sim$(SIZE) build/home$(SIZE)
	@$(PY) benchmarks/peers_race.py build/sim$(SIZE) --python $(PEERS)/bin/python --cutoffs 1
	@$(PY) benchmarks/peers_race.py build/sim$(SIZE) --python $(PEERS)/bin/python --cutoffs 24
	@$(PY) benchmarks/review_app.py

clean:
	rm -rf $(VENV) .rescue $(DEMO) build *.egg-info
