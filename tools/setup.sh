#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Brings a Debian 12 machine to where alref builds: the Debian packages of tools/debian-packages.txt and ggml's
# sources. Does nothing that is done already. Called by `make`; needs root, or a user who may use sudo.
# With the argument `data`: what `make bench-data` needs instead (training/debian-packages.txt and a Python
# environment in .venv-data).
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# install_packages LIST
install_packages() {
  local list=$1
  command -v dpkg-query >/dev/null || fail "this is not a Debian system (no dpkg); install what $list lists by hand"
  local wanted missing=()
  mapfile -t wanted < <(grep -v '^\s*#' "$list" | grep -v '^\s*$')
  for package in "${wanted[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "missing Debian packages: ${missing[*]}; run as root, or install them with 'apt-get install'"
    as_root=(sudo)
  fi
  echo "setup: installing ${#missing[@]} Debian packages: ${missing[*]}"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq ||
    fail "apt-get update failed; it needs the right to use sudo, the network and a sound /etc/apt/sources.list"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    fail "apt-get could not install ${missing[*]}; it says above why (no network? no such package in /etc/apt/sources.list?)"
}

# ggml comes with the source distribution of llama-cpp-python: pinned, checked, unpacked into third_party/ggml.
GGML_PACKAGE=llama-cpp-python
GGML_PACKAGE_VERSION=0.3.36
GGML_SHA256=832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e

bring_ggml() {
  [ -n "${ALREF_GGML_DIR:-}" ] && { [ -f "$ALREF_GGML_DIR/include/ggml.h" ] || fail "ALREF_GGML_DIR=$ALREF_GGML_DIR holds no include/ggml.h"; return; }
  [ -f "third_party/ggml/.$GGML_SHA256" ] && return
  echo "setup: fetching ggml (in $GGML_PACKAGE $GGML_PACKAGE_VERSION)"
  local scratch archive
  scratch=$(mktemp -d)
  trap "rm -rf '$scratch'" EXIT  # expanded now: the variable is gone when the script ends
  python3 -m venv "$scratch/venv" || fail "python3 -m venv failed; is the Debian package python3-venv installed?"
  "$scratch/venv/bin/pip" download -q --retries 1 --disable-pip-version-check --no-deps --no-binary "$GGML_PACKAGE" \
      -d "$scratch" "$GGML_PACKAGE==$GGML_PACKAGE_VERSION" ||
    fail "could not download $GGML_PACKAGE $GGML_PACKAGE_VERSION with pip; check the network, or point ALREF_GGML_DIR at a ggml source tree"
  archive=$(find "$scratch" -maxdepth 1 -name '*.tar.gz')
  echo "$GGML_SHA256  $archive" | sha256sum -c --quiet - || fail "$(basename "$archive") has another sha256 than the pinned $GGML_SHA256"
  rm -rf third_party/ggml && mkdir -p third_party
  tar xzf "$archive" -C "$scratch" --wildcards '*/vendor/llama.cpp/ggml/*' '*/vendor/llama.cpp/LICENSE'
  mv "$scratch"/*/vendor/llama.cpp/ggml third_party/ggml
  mv "$scratch"/*/vendor/llama.cpp/LICENSE third_party/ggml/LICENSE
  touch "third_party/ggml/.$GGML_SHA256"
}

bring_data_environment() {
  local wanted
  wanted=$(sha256sum <training/requirements-data.txt)
  [ -f .venv-data/.wanted ] && [ "$(cat .venv-data/.wanted)" = "$wanted" ] && return
  echo "setup: making the Python environment .venv-data"
  python3 -m venv .venv-data || fail "python3 -m venv failed; is the Debian package python3-venv installed?"
  .venv-data/bin/pip install -q --disable-pip-version-check -r training/requirements-data.txt ||
    fail "pip could not install training/requirements-data.txt; check the network"
  echo "$wanted" >.venv-data/.wanted
}

if [ "${1:-}" = data ]; then
  install_packages training/debian-packages.txt
  bring_data_environment
  exit
fi
install_packages tools/debian-packages.txt
bring_ggml
