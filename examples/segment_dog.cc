// SPDX-License-Identifier: Apache-2.0
// Prints where a thing is seen in a video: segment_dog VIDEO "the dog on the left"
#include <cstdio>

#include <alref/error.h>
#include <alref/ref_segmenter.h>
#include <alref/video.h>

int main(int argc, char** argv) try {
  if (argc != 3) return 2;
  const auto frames = alref::open_video(argv[1]);
  alref::RefSegmenter segmenter(std::make_shared<alref::Models>());
  const auto result = segmenter.segment(*frames, argv[2], [](const alref::FrameMasks& masks) {
    std::printf("frame %d: %zu pixels\n", masks.frame, masks.masks[0].area());
  });
  for (const auto& pivot : result.pivots) std::printf("pivot frame %d\n", pivot.frame);
} catch (const alref::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
