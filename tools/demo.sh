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
band=examples/stampworld/band
echo "demo: $band.mp4, what sounds in it (two things do) and a sentence about the third, in one run"
"$alref" listen "$band.mp4" --text "the elephant" -o "$out-sound"
echo
echo "demo: how good these masks are; a thing that sounds is to be masked while it sounds, the elephant always"
"$alref" score masks "$out-sound/masks.json" "$band-sounds.json" "$band.json" \
  --object "drum kit" --object "bee" --object "the elephant"
echo
echo "demo: look at"
for folder in "$out" "$out-sound"; do
  for file in overlay.mp4 report.html masks masks.json report.json; do
    [ -e "$folder/$file" ] && echo "  $folder/$file"
  done
done
