#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds every fuzz target and runs each FUZZ_RUNS times (default 1,000,000) from its seeds, or only those named.
# usage: tools/fuzz.sh [TARGET ...]        A failing input is kept in build/fuzz/findings.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v clang++-14 >/dev/null || { echo "fuzz: needs Clang 14; install the Debian package clang-14" >&2; exit 1; }
runs=${FUZZ_RUNS:-1000000}
cmake --preset fuzz >/dev/null
mkdir -p build/fuzz/findings build/fuzz/corpus

targets=("$@")
if [ ${#targets[@]} -gt 0 ]; then
  cmake --build build/fuzz -j"${JOBS:-$(nproc)}" --target "${targets[@]/#/fuzz_}"
else
  cmake --build --preset fuzz -j"${JOBS:-$(nproc)}"
  for program in build/fuzz/fuzzers/*; do targets+=("$(basename "$program")"); done
fi
for target in "${targets[@]}"; do
  found=build/fuzz/corpus/$target
  mkdir -p "$found" "fuzz/corpus/$target"
  echo "fuzz: $target, $runs runs"
  # The seeds are only read; what is found goes on from the last time.
  status=0
  build/fuzz/fuzzers/"$target" -runs="$runs" -seed=1 -max_len=65536 -timeout=20 -rss_limit_mb=2048 \
    -artifact_prefix=build/fuzz/findings/"$target"- -print_final_stats=1 "$found" "fuzz/corpus/$target" \
    >build/fuzz/"$target".log 2>&1 || status=$?
  grep -E '^stat::number_of_executed|^Done|ERROR|SUMMARY|Test unit' build/fuzz/"$target".log || true
  [ "$status" -eq 0 ] || { echo "fuzz: $target failed; see build/fuzz/$target.log" >&2; exit 1; }
done
