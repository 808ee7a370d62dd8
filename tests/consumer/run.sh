#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: run.sh installed|subdirectory SOURCE_DIR BUILD_DIR GGML_DIR
# Builds the project in this folder against alref, as installed or as a subdirectory, and runs it.
set -euo pipefail
how=$1 source=$2 build=$3 ggml=$4
# At the depth of build/<preset>, so that ccache knows the sources again that were compiled there.
mine="$build-consumer-$how"
export CCACHE_BASEDIR="$source" CCACHE_NOHASHDIR=1
launcher=()
command -v ccache >/dev/null && launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
case $how in
  installed)
    cmake --install "$build" --prefix "$mine/prefix" >/dev/null
    options=(-DCMAKE_PREFIX_PATH="$mine/prefix") ;;
  subdirectory)
    options=(-DALREF_SOURCE_DIR="$source" -DALREF_GGML_DIR="$ggml" "${launcher[@]}") ;;
esac
cmake -S "$source/tests/consumer" -B "$mine" -G Ninja -DCMAKE_BUILD_TYPE=Release "${options[@]}" >/dev/null
cmake --build "$mine" --target consumer >"$mine/log" || { cat "$mine/log"; exit 1; }
"$mine/consumer"
