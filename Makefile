# SPDX-License-Identifier: Apache-2.0
# `make demo` and `make test` set everything up on a bare Debian 12 and run. See docs/architecture.md.

JOBS ?= $(shell nproc)
# Lets ccache recognise a source in another build folder.
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1

.PHONY: all demo test parity setup build asan tsan tidy fuzz bench-data clean

all: build

setup:
	@tools/setup.sh

# $(call configured,PRESET): ninja configures again by itself where a CMake file has changed.
configured = test build/$(1)/build.ninja -nt CMakePresets.json || cmake --preset $(1) >build-configure.log 2>&1 || \
  { cat build-configure.log; rm -f build-configure.log; exit 1; }; rm -f build-configure.log

build: setup
	@$(call configured,release)
	@cmake --build --preset release -j$(JOBS)

test: build
	@ctest --preset release -j$(JOBS)

# Every test under AddressSanitizer and UndefinedBehaviorSanitizer, or under ThreadSanitizer.
asan tsan: setup
	@$(call configured,$@)
	@cmake --build --preset $@ -j$(JOBS)
	@ctest --preset $@ -j$(JOBS)

# clang-tidy over every file of ours; a second run reads what has changed since.
tidy: setup
	@command -v clang-tidy-14 >/dev/null || { echo "make tidy: needs clang-tidy 14; install the Debian package clang-tidy-14" >&2; exit 1; }
	@$(call configured,$@)
	@cmake --build --preset $@ -j$(JOBS)

# Needs Clang 14 (Debian: clang-14). FUZZ_RUNS executions of each target, 1,000,000 unless set.
fuzz: setup
	@tools/fuzz.sh

demo: build
	@tools/demo.sh

# StampBench and Stamp-AVS: held-out clips with known truth. Another SEED draws other clips of the same difficulty.
SEED ?= 1
bench-data:
	@tools/setup.sh data
	@.venv-data/bin/python -m training.stampbench --out bench-data --seed $(SEED)
	@.venv-data/bin/python -m training.stampbench.avs --out bench-data/avs --seed $(SEED)

# Against the official codes with seeded random weights at true size; hours on a small machine. Wants checkouts of them,
# and any video for SAM 2's tracker; what is not named is left out:
# make parity GROUNDING_DINO_REPO=PATH SAM2_REPO=PATH CLIP=FILE BEATS_REPO=PATH/beats AL_REF_SAM2=PATH/avs AVSBENCH=PATH AVS_DATA=DIR
# (checkouts of IDEA-Research/GroundingDINO, facebookresearch/sam2, microsoft/unilm and appletea233/AL-Ref-SAM2; the last one for
# the authors' recorded replies; BEATS_REPO brings LanguageBind, too, whose oracle is a Python package; TORCHAUDIO=WHEEL with it takes
# their filter banks from there. AVSBENCH with AL_REF_SAM2 and AVS_DATA, a folder of `python -m training.stampbench.avs` or
# AVSBench itself: the official loaders and evaluators).
PARITY_PYTHON = .venv-parity/bin/python -W ignore
parity: build
	@test -n "$(GROUNDING_DINO_REPO)$(SAM2_REPO)$(BEATS_REPO)$(AL_REF_SAM2)" || { echo "make parity: say at least one of GROUNDING_DINO_REPO, SAM2_REPO, BEATS_REPO and AL_REF_SAM2; see the Makefile"; exit 2; }
	@test -z "$(AL_REF_SAM2)" || parity/avs_replay.py --program build/release/tests/pipeline/avs_replay --data "$(AL_REF_SAM2)"
	@test -x .venv-parity/bin/python || python3 -m venv .venv-parity
	@.venv-parity/bin/pip install -q -r parity/requirements.txt
	@cmake --build --preset release --target grounding_dino_stages --target sound_stages -j$(JOBS)
	@test -z "$(GROUNDING_DINO_REPO)" || $(PARITY_PYTHON) parity/gdino.py --repo "$(GROUNDING_DINO_REPO)" --stages build/release/parity/grounding_dino_stages
	@test -z "$(GROUNDING_DINO_REPO)" || $(PARITY_PYTHON) parity/gdino_convert.py --repo "$(GROUNDING_DINO_REPO)" --alref build/release/alref
	@test -z "$(AVSBENCH)" || $(PARITY_PYTHON) parity/avs_layouts.py --avsbench "$(AVSBENCH)" --al-ref-sam2 "$(AL_REF_SAM2)" --alref build/release/alref --data "$(AVS_DATA)"
	@test -z "$(BEATS_REPO)" || $(PARITY_PYTHON) parity/sound.py --beats-repo "$(BEATS_REPO)" --alref build/release/alref --stages build/release/parity/sound_stages $(if $(TORCHAUDIO),--torchaudio "$(TORCHAUDIO)")
	@test -z "$(SAM2_REPO)" || $(PARITY_PYTHON) parity/sam2_image.py --sam2-repo "$(SAM2_REPO)" --alref build/release/alref
	@test -z "$(SAM2_REPO)" -o -z "$(CLIP)" || $(PARITY_PYTHON) parity/sam2_video.py --sam2-repo "$(SAM2_REPO)" --alref build/release/alref --video "$(CLIP)"

clean:
	rm -rf build
