#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What `make demo` shows: sentences in, masks out, and what sounds, on clips whose true masks are known.
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
sounds=examples/stampworld/band
echo "demo: $sounds.mp4, its sound: two things sound, one keeps silent"
"$alref" listen "$sounds.mp4" -o "$out-sound"
echo
echo "demo: how good the masks of what sounds are against the true ones"
"$alref" score masks "$out-sound/masks.json" "$sounds-sounds.json" ||
  echo "demo: not as many things were found as sound"
echo
echo "demo: look at"
for folder in "$out" "$out-sound"; do
  for file in overlay.mp4 report.html masks masks.json report.json; do
    [ -e "$folder/$file" ] && echo "  $folder/$file"
  done
done
