# Everything happens inside the clone: environments and results in build/, zips in dist/.

ifeq ($(OS),Windows_NT)
TESTS_PYTHON := build/env/tests/Scripts/python.exe
else
TESTS_PYTHON := build/env/tests/bin/python
endif

# Each candidate is run, since a pyenv shim may be on PATH and refuse. Looked for only when a target needs it.
python = $(or $(shell \
  for python in python3.11 python3.13 python3 python "$$HOME"/.pyenv/versions/*/bin/python3.11 "$$HOME"/.pyenv/versions/*/bin/python3.13; do \
    "$$python" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 13)))' >/dev/null 2>&1 && echo "$$python" && break; \
  done),$(error Python 3.11 or 3.13 is needed, and neither PATH nor ~/.pyenv/versions has it))

# Tests side by side; what shares a server or a window stays together.
JOBS ?= 2
PYTEST = $(TESTS_PYTHON) -m pytest -n $(JOBS)

.PHONY: help demo build test test-all test-window lint requirements docs bench bench-scan bench-mesh bench-texture bench-import bench-window pictures soak clean

help:
	@echo "make demo    the scan in this repository, from photos to a model, through a real rembg server and Blender"
	@echo "             (BACKEND=embedded: without a server)"
	@echo "make build   build the extension's zips and the index of a repository into dist/"
	@echo "make test    the gate: what has to hold for every change, in a quarter of an hour (JOBS=2: tests side by side)"
	@echo "make test-all  every test on every Blender version this machine has a Python for"
	@echo "make test-window  all in a real Blender window: Linux, as root (the others have them too where it can be)"
	@echo "make lint    check style and types"
	@echo "make requirements  write tools/requirements/*.txt anew, after a change to a .in file or to vendor/lock.json"
	@echo "make docs    write what the documentation has from the code: tables of settings, engines and events"
	@echo "make bench   how fast and how good the masks are, beside other ways of making them"
	@echo "make bench-scan  the scan solved against the truth: before and now, from far away, many photos, without masks"
	@echo "make bench-mesh  the model against the shapes that the scans were rendered from: error, time and memory"
	@echo "make bench-texture  the texture beside the photos, even light, time and memory; and how scans are placed"
	@echo "make bench-import  how long 500 cameras and a million points take to come into the scene"
	@echo "make bench-window  what a running job costs Blender's window: Linux, as root"
	@echo "make pictures  the README's pictures of Blender, taken by the window tests"
	@echo "make soak    whether memory stays flat over 1,000 photos"
	@echo "make clean   remove all that these made"

BACKEND ?= endpoint

demo:
	@$(python) tools/environments.py tests
	@$(TESTS_PYTHON) tools/demo.py --backend $(BACKEND)

build:
	@$(python) tools/environments.py tests
	@$(TESTS_PYTHON) tools/build.py

test:
	@$(python) tools/set_up.py
	@$(PYTEST) -m "not full" tests

test-all:
	@$(python) tools/set_up.py
	@$(PYTEST) tests

test-window:
	@$(python) tools/set_up.py tests rembg
	@$(PYTEST) tests/window

bench-scan:
	@$(python) tools/environments.py tests rembg
	@$(TESTS_PYTHON) tools/bench_scan.py

bench-mesh:
	@$(python) tools/set_up.py tests rembg bpy-4.2.23 bpy-5.2.3
	@$(TESTS_PYTHON) tools/bench_mesh.py

bench-texture:
	@$(python) tools/set_up.py tests rembg bpy-5.2.3
	@$(TESTS_PYTHON) tools/bench_texture.py

lint:
	@$(python) tools/environments.py tests
	$(TESTS_PYTHON) -m ruff check .
	$(TESTS_PYTHON) -m ruff format --check .
	$(TESTS_PYTHON) -m mypy
	$(TESTS_PYTHON) tools/check_types.py

requirements:
	@$(python) tools/compile_requirements.py

docs:
	@$(python) tools/environments.py tests
	@$(TESTS_PYTHON) tools/write_docs.py

bench:
	@$(python) tools/environments.py tests rembg
	@$(TESTS_PYTHON) tools/bench.py

bench-import:
	@$(python) tools/environments.py tests
	@$(TESTS_PYTHON) tools/bench_import.py

bench-window:
	@$(python) tools/set_up.py tests rembg
	@$(TESTS_PYTHON) tools/bench_window.py

pictures:
	@$(python) tools/set_up.py tests rembg
	@README_PICTURES=$(CURDIR)/docs $(TESTS_PYTHON) -m pytest tests/window/test_sidebar.py tests/window/test_preview.py \
	  tests/window/test_preferences.py tests/window/test_painting.py

soak:
	@$(python) tools/environments.py tests rembg
	@$(TESTS_PYTHON) tools/soak.py

clean:
	rm -rf build dist vendor/models vendor/wheels .ruff_cache tests/.pytest_cache
