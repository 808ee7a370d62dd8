// SPDX-License-Identifier: Apache-2.0
#include "cli/segment_command.h"

#include "alref/error.h"
#include "alref/ref_segmenter.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>

#include "cli/options.h"
#include "cli/output_options.h"
#include "cli/reasoner_options.h"
#include "cli/segment_input.h"
#include "cli/segment_outputs.h"
#include "cli/sentence_report.h"
#include "cli/stage_bars.h"
#include "cli/terminal.h"
#include "core/atomic_file.h"
#include "core/log.h"

namespace alref::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct Arguments {
  std::string video;
  std::vector<std::string> texts;
  SegmentOutputs outputs;
  ModelOptions models;
  RefOptions options;
  ReasonerArguments reasoner;
  media::VideoOptions limits;
  std::string on_no_pivot;
  bool no_pivot_frame = false, no_pivot_box = false, no_reverse = false;
};

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

void complete_options(Arguments& arguments) {
  RefOptions& options = arguments.options;
  complete(arguments.reasoner);
  apply(arguments.reasoner, options);
  options.choose_frame = !arguments.no_pivot_frame;
  options.choose_box = !arguments.no_pivot_box;
  options.reverse = !arguments.no_reverse;
  if (!arguments.on_no_pivot.empty())
    options.empty_without_pivot = arguments.on_no_pivot == "empty";
  options.keep_strips = true;
  options.keep_features = false;
  options.work_folder = arguments.outputs.dir + "/.alref";
  options.cancelled = [] { return interrupted(); };
}

void log_choices(const std::vector<RefResult>& results, const RefCosts& costs) {
  for (const RefResult& result : results) {
    for (const RefClip& clip : result.clips) {
      log(LogLevel::kInfo,
          "'" + result.text + "', clip " + std::to_string(clip.index) + ": " + clip.frame_reply);
    }
  }
  log(LogLevel::kInfo, "seconds: choosing pivots " + std::to_string(costs.reasoning_seconds) +
                           ", detector " + std::to_string(costs.detector_seconds) +
                           ", prompt masks " + std::to_string(costs.prompting_seconds) +
                           ", forwards " + std::to_string(costs.forward_seconds) + ", in reverse " +
                           std::to_string(costs.reverse_seconds));
}

void print_summary(const std::vector<RefResult>& results, const std::vector<std::string>& files) {
  for (size_t i = 0; i < results.size(); ++i) {
    std::string what;
    for (const RefPivot& pivot : results[i].pivots) {
      what += (what.empty() ? "from frame " : ", ") + std::to_string(pivot.frame);
    }
    if (results[i].fallback) what += " (no clip gave a pivot)";
    if (what.empty()) what = "refers to nothing in the video; its masks are empty";
    std::printf("%zu \"%s\": %s\n", i, results[i].text.c_str(), what.c_str());
  }
  for (const std::string& file : files) std::printf("%s\n", file.c_str());
}

void run(Arguments& arguments) {
  const auto begin = Clock::now();
  complete_options(arguments);
  const std::string& dir = arguments.outputs.dir;
  create_folders(arguments.options.work_folder);  // says at once whether DIR can be written to
  const SegmentInput input =
      open_segment_input(arguments.video, arguments.options.work_folder, arguments.limits);
  arguments.options.video_name = input.name;
  arguments.options.work_key = input.key;
  StageBars bars;
  arguments.options.on_progress = [&](std::string_view stage, int done, int total) {
    bars.show(stage, done, total);
  };

  RefSegmenter segmenter(std::make_shared<Models>(arguments.models), arguments.options);
  OutputWriter writer(arguments.outputs, *input.frames, input.name, arguments.texts, input.sound);
  const auto results = segmenter.segment(*input.frames, arguments.texts, writer);
  writer.finish();
  bars.finish();

  write_sentence_report(dir + "/report", input, arguments.models, arguments.options.reasoner,
                        results, segmenter.costs(), seconds_since(begin));
  std::filesystem::remove_all(arguments.options.work_folder);

  log_choices(results, segmenter.costs());
  auto files = writer.written();
  files.insert(files.end(), {dir + "/report.json", dir + "/report.html"});
  print_summary(results, files);
}

void add_method_options(CLI::App& command, Arguments& arguments) {
  RefOptions& options = arguments.options;
  const std::string group = "The method";
  command
      .add_option("--on-no-pivot", arguments.on_no_pivot,
                  "fallback: the best box of frame 0; empty: nothing is meant [default: empty for "
                  "rules, else fallback]")
      ->check(CLI::IsMember({"fallback", "empty"}))
      ->group(group);
  command.add_option("--step", options.step, "frames between two sampled frames")
      ->capture_default_str()
      ->check(in_range(1, 10000))
      ->group(group);
  command.add_option("--frames-per-clip", options.frames_per_clip, "sampled frames in a clip")
      ->capture_default_str()
      ->check(in_range(1, 50))
      ->group(group);
  command
      .add_option("--detect-every", options.detect_every,
                  "frames between two looks of rules; 0: 1-5, by the video's length")
      ->capture_default_str()
      ->check(at_least_zero())
      ->group(group);
  command.add_option("--box-threshold", options.box_threshold, "of the detector")
      ->capture_default_str()
      ->check(in_range(0.001, 1.0))
      ->group(group);
  command
      .add_option("--fallback-threshold", options.fallback_box_threshold,
                  "the same, for the fallback")
      ->capture_default_str()
      ->check(in_range(0.001, 1.0))
      ->group(group);
  command
      .add_option("--max-cond-frames", arguments.models.max_conditioning_frames,
                  "pivots that a frame's mask depends on, the nearest; -1: all, as in the paper")
      ->capture_default_str()
      ->check(in_range(-1, 10000))
      ->group(group);
  command
      .add_flag("--no-pivot-frame", arguments.no_pivot_frame,
                "the first sampled frame of each clip")
      ->group(group);
  command.add_flag("--no-pivot-box", arguments.no_pivot_box, "the detector's best box")
      ->group(group);
  command.add_flag("--single-pivot", options.single_pivot, "only the middle pivot")->group(group);
  command.add_flag("--no-reverse", arguments.no_reverse, "no masks before the middle pivot")
      ->group(group);
}

}  // namespace

void add_segment_command(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  CLI::App* command = app.add_subcommand(
      "segment", "Masks of the object that each TEXT refers to, in every frame of VIDEO");
  command->set_help_all_flag("--help-all", "all options");
  command->footer(
      "DIR/masks/<k>/00000.png ... (0 or 255, VIDEO's size, k = 0, 1, ... in the order of --text), "
      "overlay.mp4,\n"
      "masks.json (COCO RLE), report.json, report.html. A run that was stopped continues when it "
      "is started again.\n"
      "-v, --verbose: each stage's choice and time, on stderr\n"
      "exit status: 0 done, 2 bad usage, 3 unreadable input, 4 bad model file, 5 reasoner failed, "
      "6 "
      "unwritable output\n"
      "example: alref segment cat.mp4 --text \"the cat on the left\" -o out");
  command
      ->add_option(
          "VIDEO", a.video,
          "a video file, a folder of frames 00000.jpg, 00001.jpg, ..., or - for a stream on stdin")
      ->required();
  command
      ->add_option("--text", a.texts,
                   "a referring sentence, in English; repeat for several objects")
      ->type_name("TEXT")
      ->required()
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_output_options(*command, a.outputs, a.limits);
  command->add_option("--sam2", a.models.sam2, "name of an installed model, or a GGUF file")
      ->type_name("MODEL")
      ->capture_default_str();
  command->add_option("--detector", a.models.detector, "the same")
      ->type_name("MODEL")
      ->capture_default_str();
  command
      ->add_option("--feature-cache", a.models.feature_cache_bytes,
                   "memory for features of frames: while a video's fit, none is encoded twice "
                   "[default: 512M]")
      ->type_name("BYTES")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/false).description(""));
  add_reasoner_options(*command, a.reasoner);
  add_device_options(*command, a.models.device);
  add_method_options(*command, a);
  command->callback([arguments] { run(*arguments); });
}

}  // namespace alref::cli
