// SPDX-License-Identifier: Apache-2.0
// Prints on which frames of a video the thing that a sentence names is to be seen.
//   segment_dog VIDEO "the dog on the left"
#include <cstdio>

#include <alref/error.h>
#include <alref/ref_segmenter.h>
#include <alref/video.h>

struct Printer : alref::MaskSink {
  void write(const alref::FrameMasks& frame) override {
    std::printf("frame %d: %zu pixels\n", frame.frame, frame.masks[0].area());
  }
};

int main(int argc, char** argv) try {
  if (argc != 3) return 2;
  const auto frames = alref::open_video(argv[1]);
  alref::RefSegmenter segmenter(std::make_shared<alref::Models>());
  Printer printer;
  const alref::RefResult result = segmenter.segment(*frames, argv[2], printer);
  for (const auto& pivot : result.pivots) std::printf("pivot frame %d\n", pivot.frame);
} catch (const alref::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
