PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test fuzz benchmark reproduce clean clean-kernels

demo: .venv/ready $(BIN)/rnc $(BIN)/ofa-rnc
	$(BIN)/python -m rram_nas_comp_pack pack --model mbv3_small --find-solution --exp-id demo
	$(BIN)/python -m rram_nas_comp_pack verify log/packing/demo
	@echo "The page of the run is $(CURDIR)/log/packing/demo/report.html. This opens it in a browser:"
	@echo '    $(BIN)/python -m webbrowser "file://$(CURDIR)/log/packing/demo/report.html"'

# Kernels are compiled once, not by each of the two processes of the tests: beside the type checker and the first
# tests, which need none (tests/conftest.py puts them in order).
test: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m tests.compile_kernels & compiling=$$!; \
	$(BIN)/mypy --strict rram_nas_comp_pack ofa && \
	    OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder; \
	found=$$?; wait $$compiling && exit $$found

# the damaged inputs of the tests, by the thousand
fuzz: .venv/ready
	FUZZ_CASES=4000 $(BIN)/python -m pytest -n 2 tests/fuzz

benchmark: .venv/ready
	$(BIN)/python -m pytest benchmarks --benchmark-only

reproduce: .venv/ready
	$(BIN)/python -m rram_nas_comp_pack reproduce $(ARGS)

# this source tree by a short name, from any folder; a script each, so that nothing is built or installed for it
$(BIN)/rnc: MODULE = rram_nas_comp_pack
$(BIN)/ofa-rnc: MODULE = ofa
$(BIN)/rnc $(BIN)/ofa-rnc: .venv/ready Makefile
	printf '%s\n' '#!/bin/sh' 'tree="$(CURDIR)"' 'export PYTHONPATH="$$tree$${PYTHONPATH:+:$$PYTHONPATH}" RNC_PROGRAM="$$0"' \
	    'exec "$$tree/$(BIN)/python" -m $(MODULE) "$$@"' > $@
	chmod +x $@

.venv/ready: requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

clean: clean-kernels
	rm -rf .venv

# compiled code, whose cache does not notice changes of kernels in other files
clean-kernels:
	find rram_nas_comp_pack ofa tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
