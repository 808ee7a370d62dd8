// SPDX-License-Identifier: Apache-2.0
#include "cli/output_options.h"

#include <map>
#include <string>

#include "cli/options.h"

namespace alref::cli {

void add_output_options(CLI::App& command, SegmentOutputs& outputs, media::VideoOptions& limits) {
  static const std::map<std::string, CutOut> kCutOuts = {
      {"png", CutOut::kPng}, {"webm", CutOut::kWebm}, {"mov", CutOut::kMov}};
  command.add_option("-o,--out", outputs.dir, "the folder for the results; created if missing")
      ->type_name("DIR")
      ->required();
  command.add_flag("--palette", outputs.palette,
                   "DIR/masks/00000.png ... as DAVIS has them, all objects in one");
  command.add_option("--cutout", outputs.cut_out, "each object alone with alpha: png, webm or mov")
      ->type_name("KIND")
      ->transform(CLI::CheckedTransformer(kCutOuts, CLI::ignore_case).description(""));
  command.add_flag_callback(
      "--no-overlay", [&outputs] { outputs.overlay = false; }, "no overlay.mp4");
  const auto add_limit = [&](const char* name, auto& value, const char* help) {
    command.add_option(name, value, help)->capture_default_str()->check(above_zero());
  };
  add_limit("--max-frames", limits.max_frames, "longer videos are an error");
  add_limit("--max-pixels", limits.max_pixels, "larger frames are an error");
  add_limit("--max-seconds", limits.max_seconds, "longer videos are an error");
}

}  // namespace alref::cli
