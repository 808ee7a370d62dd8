// SPDX-License-Identifier: Apache-2.0
#include "cli/listen_command.h"

#include "alref/av_segmenter.h"
#include "alref/error.h"
#include "alref/version.h"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "cli/listen_outputs.h"
#include "cli/options.h"
#include "cli/output_options.h"
#include "cli/reasoner_options.h"
#include "cli/segment_input.h"
#include "cli/sentence_report.h"
#include "cli/stage_bars.h"
#include "cli/terminal.h"
#include "core/atomic_file.h"
#include "core/log.h"
#include "media/audio_reader.h"
#include "outputs/report/sound_report.h"

namespace alref::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// A recording whose sources are looked for is held whole, and is an example, not a concert.
constexpr double kLongestReference = 600;

struct Arguments {
  std::string video;
  std::string reference;
  std::vector<std::string> texts;
  SegmentOutputs outputs;
  ModelOptions models;
  AvOptions options;
  ReasonerArguments reasoner;
  media::VideoOptions limits;
  bool no_pivot_box = false, no_segments = false;
};

std::string work_folder_of(const Arguments& arguments) { return arguments.outputs.dir + "/.alref"; }

void complete_options(Arguments& arguments) {
  complete(arguments.reasoner);
  AvOptions& options = arguments.options;
  apply(arguments.reasoner, options);
  options.choose_box = !arguments.no_pivot_box;
  options.sound_segments = !arguments.no_segments;
  options.keep_strips = true;
  // The sentences' detections have another threshold for words: they lie in the folder above.
  options.work_folder = work_folder_of(arguments) + "/sound";
  options.cancelled = [] { return interrupted(); };
}

std::vector<std::pair<std::string, std::string>> model_files(const ModelOptions& models) {
  std::vector<std::pair<std::string, std::string>> files = {
      {"sam2", model_file_name(models.sam2)}, {"detector", model_file_name(models.detector)}};
  for (const std::string& tagger : models.taggers)
    files.emplace_back("tagger", model_file_name(tagger));
  files.emplace_back("sound_matcher", model_file_name(models.sound_matcher));
  if (!models.class_matcher.empty())
    files.emplace_back("class_matcher", model_file_name(models.class_matcher));
  return files;
}

/// "0-3 s, 5-6 s"
std::string times_of(const AvResult& result, size_t label) {
  std::string text;
  const auto seconds = [&](size_t moment) {
    std::array<char, 32> number{};
    std::snprintf(number.data(), number.size(), "%g",
                  static_cast<double>(moment) / result.moments_per_second);
    return std::string(number.data());
  };
  for (size_t m = 0; m < result.active.size();) {
    const auto sounds = [&](size_t at) {
      return std::ranges::find(result.active[at], label) != result.active[at].end();
    };
    size_t end = m;
    while (end < result.active.size() && sounds(end)) ++end;
    if (end > m) text += (text.empty() ? "" : ", ") + seconds(m) + "-" + seconds(end) + " s";
    m = std::max(end, m + 1);
  }
  return text;
}

void print_summary(const AvResult& result) {
  if (result.labels.empty()) std::printf("nothing that sounds was found; all masks are empty\n");
  for (size_t i = 0; i < result.labels.size(); ++i) {
    bool seen = false;
    for (const AvWindow& window : result.windows) {
      for (const AvObject& object : window.objects)
        seen = seen || (object.label == i && object.pivot_box);
    }
    std::printf("%zu %s: %s%s\n", i, result.labels[i].name.c_str(), times_of(result, i).c_str(),
                seen ? "" : " (not to be seen)");
  }
}

/// Sentences over the same frames and networks; their report stands beside the sound's. Returns the
/// seconds that their stages took.
double segment_texts(const Arguments& arguments, const SegmentInput& input,
                     const std::shared_ptr<Models>& models, ListenWriter& writer, StageBars& bars) {
  RefOptions options;
  apply(arguments.reasoner, options);
  options.video_name = input.name;
  options.keep_strips = true;
  options.work_folder = work_folder_of(arguments);
  options.work_key = input.key;
  options.cancelled = [] { return interrupted(); };
  options.on_progress = [&](std::string_view stage, int done, int total) {
    bars.show(stage, done, total);
  };
  RefSegmenter segmenter(models, options);
  auto results = segmenter.segment(*input.frames, arguments.texts, writer);
  const RefCosts& costs = segmenter.costs();
  write_sentence_report(arguments.outputs.dir + "/sentences", input, arguments.models,
                        arguments.reasoner.kind, std::move(results), costs, costs.stage_seconds());
  return costs.stage_seconds();
}

void run(Arguments& arguments) {
  const auto begin = Clock::now();
  complete_options(arguments);
  const std::string& dir = arguments.outputs.dir;
  const std::string work_folder = work_folder_of(arguments);
  create_folders(work_folder);  // says at once whether DIR can be written to
  const SegmentInput input = open_segment_input(arguments.video, work_folder, arguments.limits);
  const std::string heard = arguments.reference.empty() ? input.sound : arguments.reference;
  if (heard.empty()) {
    throw Error(ErrorKind::kInput, input.name + ": a folder of frames has no sound; give --sound");
  }
  std::unique_ptr<SoundSource> sound;
  Waveform reference;
  if (arguments.reference.empty()) {
    sound = open_sound(heard);
  } else {
    reference = media::read_audio(heard, {.max_seconds = kLongestReference});
  }
  arguments.options.video_name = std::filesystem::path(input.name).stem().string();
  arguments.options.work_key = input.key;
  StageBars bars;
  arguments.options.on_progress = [&](std::string_view stage, int done, int total) {
    bars.show(stage, done, total);
  };

  const auto models = std::make_shared<Models>(arguments.models);
  AvSegmenter segmenter(models, arguments.options);
  ListenWriter writer(arguments.outputs, *input.frames, input.name, input.sound,
                      arguments.options.semantic, arguments.texts);
  outputs::ReportedSound report;
  report.result = arguments.reference.empty()
                      ? segmenter.segment(*input.frames, *sound, writer)
                      : segmenter.segment_like(*input.frames, reference, writer);
  if (!arguments.texts.empty())
    report.sentence_seconds = segment_texts(arguments, input, models, writer, bars);
  writer.finish();
  bars.finish();

  const AvCosts& costs = segmenter.costs();
  report.video = input.name;
  if (!arguments.reference.empty())
    report.reference = std::filesystem::path(arguments.reference).filename().string();
  report.width = input.frames->width();
  report.height = input.frames->height();
  report.frame_rate = input.frames->frame_rate();
  report.version = version();
  report.reasoner = name_of(arguments.reasoner.kind);
  report.models = model_files(arguments.models);
  report.costs = costs;
  report.total_seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  report.output_seconds =
      report.total_seconds - costs.sound_seconds - costs.stage_seconds() - report.sentence_seconds;
  write_file(dir + "/report.json", std::string_view(outputs::sound_report_json(report)));
  write_file(dir + "/report.html", std::string_view(outputs::sound_report_html(report)));
  std::filesystem::remove_all(work_folder);

  for (const AvWindow& window : report.result.windows)
    log(LogLevel::kInfo, "window " + std::to_string(window.index) + ": " + window.reply);
  print_summary(report.result);
  for (const std::string& file : writer.written()) std::printf("%s\n", file.c_str());
  for (const char* file : {"/report.json", "/report.html"})
    std::printf("%s%s\n", dir.c_str(), file);
  if (!arguments.texts.empty())
    std::printf("%s/sentences.json\n%s/sentences.html\n", dir.c_str(), dir.c_str());
}

void add_model_options(CLI::App& command, ModelOptions& models) {
  const auto add = [&](const char* name, auto& value, const char* help) {
    command.add_option(name, value, help)->type_name("MODEL")->capture_default_str();
  };
  add("--sam2", models.sam2, "name of an installed model, or a GGUF file");
  add("--detector", models.detector, "the same");
  command
      .add_option("--tagger", models.taggers,
                  "BEATs; may be given several times, as in the paper, which unites two")
      ->type_name("MODEL")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->capture_default_str();
  add("--sound-matcher", models.sound_matcher, "LanguageBind, audio and text");
  command
      .add_option("--class-matcher", models.class_matcher,
                  "LanguageBind whose text network maps labels to classes [default: the sound "
                  "matcher's]")
      ->type_name("MODEL");
}

void add_method_options(CLI::App& command, Arguments& a) {
  const std::string group = "The method";
  command
      .add_option("--window", a.options.window_seconds, "seconds that are asked about at a time")
      ->capture_default_str()
      ->check(in_range(0.1, 3600.0))
      ->group(group);
  command
      .add_option("--fps", a.options.moments_per_second,
                  "moments a second: each has one frame that is looked at, and its own labels")
      ->capture_default_str()
      ->check(in_range(0.01, 100.0))
      ->group(group);
  command.add_option("--top", a.options.top_tags, "tags of each tagger")
      ->capture_default_str()
      ->check(in_range(1, 50))
      ->group(group);
  command.add_option("--box-threshold", a.options.box_threshold, "of the detector")
      ->capture_default_str()
      ->check(in_range(0.001, 1.0))
      ->group(group);
  command
      .add_option("--segment-threshold", a.options.segment_threshold,
                  "the sound changes where two moments are less alike [default: the tagger's own, "
                  "else 0.5 as in the paper]")
      ->check(in_range(0.0, 1.0))
      ->group(group);
  command
      .add_option("--segments", a.options.segments_file,
                  "JSON, {video: [[begin, end], ...]} in moments: where the sound changes")
      ->type_name("FILE")
      ->group(group);
  command
      .add_option("--label", a.options.known_labels,
                  "known to sound, instead of the tags; may be given several times")
      ->type_name("NAME")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group(group);
  command.add_flag("--single", a.options.single, "one sounding object only")->group(group);
  command.add_flag("--no-segments", a.no_segments, "every label sounds all the time")->group(group);
  command.add_flag("--no-pivot-box", a.no_pivot_box, "the detector's best box")->group(group);
  command
      .add_option("--max-cond-frames", a.models.max_conditioning_frames,
                  "of --text: pivots that a frame's mask depends on; -1: all, as in the paper")
      ->capture_default_str()
      ->check(in_range(-1, 10000))
      ->group(group);
}

}  // namespace

void add_listen_command(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  CLI::App* command =
      app.add_subcommand("listen", "Masks of what makes VIDEO's sound, while it sounds");
  command->set_help_all_flag("--help-all", "all options");
  command->footer(
      "DIR/masks/<k>/00000.png ... (0 or 255, VIDEO's size, k = 0, 1, ... in the order of the "
      "labels), overlay.mp4,\n"
      "masks.json (COCO RLE), report.json, report.html (waveform, tags, who sounds when); with "
      "--semantic\n"
      "DIR/classes/00000.png ... (AVSBench's 71 colours). A run that was stopped continues when it "
      "is started again.\n"
      "example: alref listen farm.mp4 -o out");
  command
      ->add_option("VIDEO", a.video,
                   "a video file with sound, or - for a stream on stdin; with --sound also a "
                   "folder of frames")
      ->required();
  command
      ->add_option("--sound", a.reference,
                   "another recording, at most 10 minutes: find what sounds like it, all the time")
      ->type_name("FILE");
  command
      ->add_option("--text", a.texts,
                   "a referring sentence to be segmented, too; repeat for several objects")
      ->type_name("TEXT")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_output_options(*command, a.outputs, a.limits);
  add_model_options(*command, a.models);
  add_reasoner_options(*command, a.reasoner);
  command->add_flag("--semantic", a.options.semantic,
                    "map labels to AVSBench's 70 classes, and write class maps");
  add_device_options(*command, a.models.device);
  add_method_options(*command, a);
  command->callback([arguments] { run(*arguments); });
}

}  // namespace alref::cli
