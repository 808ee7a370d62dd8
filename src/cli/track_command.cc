// SPDX-License-Identifier: Apache-2.0
#include "cli/track_command.h"

#include "alref/error.h"
#include "alref/sam2.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <set>

#include "cli/options.h"
#include "cli/prompt_options.h"
#include "cli/terminal.h"
#include "cli/track_prompts.h"
#include "core/atomic_file.h"
#include "core/log.h"
#include "media/video_reader.h"
#include "outputs/mask_png.h"
#include "outputs/npy.h"

namespace alref::cli {
namespace {

struct Arguments {
  std::string video;
  std::string model;
  std::string prompts;
  int frame = 0;
  std::string box;
  std::vector<std::string> points;
  std::string mask;
  int start = -1;
  bool reverse = false;
  bool both = false;
  std::string logits;
  std::string out;
  Sam2VideoOptions options;
};

std::vector<TrackPrompt> prompts_of(const Arguments& arguments) {
  const bool single =
      !arguments.box.empty() || !arguments.points.empty() || !arguments.mask.empty();
  if (single == !arguments.prompts.empty()) {
    throw Error(ErrorKind::kInvalidArgument,
                "prompts: expected --prompts, or one of --box, --point and --mask on --frame");
  }
  if (!single) return read_track_prompts(arguments.prompts);
  TrackPrompt prompt;
  prompt.frame = arguments.frame;
  prompt.mask_path = arguments.mask;
  if (!arguments.box.empty()) prompt.box = parse_box(arguments.box);
  for (const std::string& text : arguments.points) {
    const auto [point, label] = parse_point(text);
    prompt.points.push_back(point);
    prompt.labels.push_back(label);
  }
  if (prompt.box.has_value() + !prompt.points.empty() + !prompt.mask_path.empty() != 1) {
    throw Error(ErrorKind::kInvalidArgument, "prompts: expected one of --box, --point and --mask");
  }
  return {prompt};
}

int earliest_frame(const std::vector<TrackPrompt>& prompts) {
  return std::min_element(prompts.begin(), prompts.end(),
                          [](const auto& a, const auto& b) { return a.frame < b.frame; })
      ->frame;
}

// Writes a frame's masks, and says how far it is.
class Output {
 public:
  Output(const Arguments& arguments, int64_t frames)
      : arguments_(arguments), progress_("tracking", frames) {
    if (!arguments.logits.empty()) create_folders(arguments.logits);
  }

  void write(int frame, std::span<const ObjectLogits> masks) {
    for (const ObjectLogits& mask : masks) {
      const std::string path = outputs::mask_path(arguments_.out, mask.object, frame);
      if (objects_.insert(mask.object).second) {
        create_folders(std::filesystem::path(path).parent_path());
      }
      outputs::write_mask_png(path, mask_of(mask.logits));
      if (!arguments_.logits.empty()) {
        outputs::write_npy(arguments_.logits + "/" + std::to_string(frame) + "_" +
                               std::to_string(mask.object) + ".npy",
                           mask.low_resolution);
      }
    }
    progress_.update(++done_);
  }

 private:
  const Arguments& arguments_;
  ProgressBar progress_;
  std::set<int> objects_;
  int64_t done_ = 0;
};

void run(const Arguments& arguments) {
  const std::vector<TrackPrompt> prompts = prompts_of(arguments);
  const std::unique_ptr<FrameSource> video = media::open_video(arguments.video);
  const std::unique_ptr<VideoSegmenter> sam2 = open_sam2(arguments.model, arguments.options);
  const std::unique_ptr<VideoTracker> tracker = sam2->open(*video);
  for (const TrackPrompt& prompt : prompts) {
    throw_if_interrupted();
    add_prompt(*tracker, prompt);
  }

  const int start = arguments.start >= 0 ? arguments.start : earliest_frame(prompts);
  if (!video->frame(start)) {
    throw Error(ErrorKind::kInvalidArgument,
                "frame " + std::to_string(start) + ": the video has no such frame");
  }
  int64_t frames = 0;
  if (const auto count = video->frame_count()) {
    frames = (arguments.reverse ? 0 : *count - start) +
             (arguments.reverse || arguments.both ? start + 1 : 0);
  }
  {
    Output output(arguments, frames);
    const auto on_frame = [&](int frame, std::span<const ObjectLogits> masks) {
      output.write(frame, masks);
      return !interrupted();
    };
    if (!arguments.reverse) tracker->propagate(start, /*reverse=*/false, on_frame);
    if ((arguments.reverse || arguments.both) && !interrupted()) {
      tracker->propagate(start, /*reverse=*/true, on_frame);
    }
  }
  log(LogLevel::kInfo, "image encoder: " + std::to_string(sam2->encoder_runs()) + " runs");
  throw_if_interrupted();
}

void add_prompt_options(CLI::App& command, Arguments& arguments) {
  command
      .add_option("--prompts", arguments.prompts,
                  "JSON list of {frame, object, box | points + labels | mask (a PNG file)}")
      ->type_name("FILE.json");
  command.add_option("--frame", arguments.frame, "frame of --box, --point or --mask")
      ->type_name("N")
      ->check(at_least_zero())
      ->capture_default_str();
  command.add_option("--box", arguments.box, "a box round the object, in pixels")
      ->type_name("x0,y0,x1,y1");
  command
      .add_option("--point", arguments.points,
                  "a point on the object, or with ,0 off it; may be given several times")
      ->type_name("x,y[,0|1]")
      ->allow_extra_args(false);
  command
      .add_option("--mask", arguments.mask,
                  "the object's mask, of the video's size; not 0 is the object")
      ->type_name("FILE.png");
}

void add_memory_options(CLI::App& command, Sam2VideoOptions& options) {
  command
      .add_option(
          "--feature-cache", options.feature_cache_bytes,
          "memory for features of frames, so that a reverse pass does not encode them again "
          "[default: 512M]")
      ->type_name("BYTES")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/false).description(""));
  command
      .add_option("--max-cond-frames", options.max_conditioning_frames,
                  "frames with prompts that a frame attends to, the nearest ones; -1: all")
      ->type_name("N")
      ->capture_default_str();
  command
      .add_option("--memory-stride", options.memory_stride,
                  "between memories of tracked frames; 0: as the model says")
      ->type_name("N")
      ->capture_default_str();
  command
      .add_option("--fill-holes", options.fill_hole_area,
                  "fill holes of at most so many pixels of the low-resolution mask")
      ->type_name("AREA")
      ->capture_default_str();
}

}  // namespace

void add_track_command(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  // One pass forward and one back from the same frame, all prompts given before.
  arguments->options.history_bytes = 0;
  CLI::App* command = app.add_subcommand(
      "track", "Objects followed through a video from prompts on frames (SAM 2)");
  command->footer(
      "Ctrl-C stops after the frame at hand; what is done is kept.\n"
      "example: alref track dog.mp4 --sam2 sam2.1-tiny.gguf --frame 5 --box 40,60,320,400 --both "
      "-o out");
  command
      ->add_option("VIDEO", arguments->video,
                   "a video file, a folder of frames, or - for a stream on stdin")
      ->required();
  command->add_option("--sam2", arguments->model, "model made by `alref convert`")
      ->type_name("FILE")
      ->required();
  add_prompt_options(*command, *arguments);
  command
      ->add_option("--start", arguments->start,
                   "first frame of the pass [default: the earliest prompt's]")
      ->type_name("N")
      ->check(at_least_zero());
  auto* reverse =
      command->add_flag("--reverse", arguments->reverse, "from there back to the first frame");
  command->add_flag("--both", arguments->both, "to the end, then back to the first frame")
      ->excludes(reverse);
  command
      ->add_option("--logits", arguments->logits,
                   "low-resolution logits, DIR/<frame>_<object>.npy, 32-bit floats")
      ->type_name("DIR");
  command->add_option("-o,--out", arguments->out, "OUT/masks/<object>/00000.png and so on")
      ->type_name("OUT")
      ->required();
  add_memory_options(*command, arguments->options);
  add_device_options(*command, arguments->options.device);
  command->callback([arguments] { run(*arguments); });
}

}  // namespace alref::cli
