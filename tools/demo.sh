#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What `make demo` shows: sentences in, masks out, on a clip with sound whose true masks are known.
set -euo pipefail
cd "$(dirname "$0")/.."

alref=build/release/alref
clip=examples/stampworld/giraffes.mp4
truth=examples/stampworld/giraffes.json
out=out/demo

echo "demo: $clip, two sentences, the embedded nano models"
"$alref" segment "$clip" --text "the giraffe on the left" --text "the giraffe that disappears first" -o "$out"
echo
echo "demo: how good the masks are against the true ones (percent; J region, F boundary)"
"$alref" score masks "$out/masks.json" "$truth"
echo
echo "demo: look at"
for file in overlay.mp4 report.html masks masks.json report.json; do
  [ -e "$out/$file" ] && echo "  $out/$file"
done
