# SPDX-License-Identifier: Apache-2.0
# `make demo` and `make test` set everything up on a bare Debian 12 and run. See docs/architecture.md.

JOBS ?= $(shell nproc)
# Lets ccache recognise a source in another build folder.
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1

.PHONY: all demo test setup build fuzz bench-data clean

all: build

setup:
	@tools/setup.sh

build: setup
	@cmake --preset release >build-configure.log 2>&1 || { cat build-configure.log; exit 1; }
	@rm -f build-configure.log
	@cmake --build --preset release -j$(JOBS)

test: build
	@ctest --preset release -j$(JOBS)

# Needs Clang 14 (Debian: clang-14). FUZZ_RUNS executions of each target, 1,000,000 unless set.
fuzz: setup
	@tools/fuzz.sh

demo: build
	@tools/demo.sh

# StampBench: held-out clips with known truth. Another SEED draws other clips of the same difficulty.
SEED ?= 1
bench-data:
	@tools/setup.sh data
	@.venv-data/bin/python -m training.stampbench --out bench-data --seed $(SEED)

clean:
	rm -rf build
