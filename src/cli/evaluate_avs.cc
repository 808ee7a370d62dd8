// SPDX-License-Identifier: Apache-2.0
#include "cli/evaluate_avs.h"

#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "cli/options.h"
#include "cli/share_options.h"
#include "cli/terminal.h"
#include "core/atomic_file.h"
#include "eval/avs_run.h"
#include "eval/avs_score.h"

namespace alref::cli {
namespace {

constexpr std::array<const char*, 4> kLayouts = {"s4", "ms3", "avss", "v2-binary"};

struct EvaluateArguments {
  std::string layout, root, out, shard;
  bool no_pivot_box = false, no_segments = false;
  eval::AvsRunOptions run;
};

struct ScoreArguments {
  std::string layout, root, results, json_file;
};

void evaluate(EvaluateArguments& a) {
  const auto dataset = datasets::AvsDataset::open(datasets::avs_layout(a.layout), a.root);
  eval::AvsRunOptions& run = a.run;
  choose_shard(a.shard, run);
  if (!run.method.replay_files.empty()) run.method.reasoner = ReasonerKind::kReplay;
  run.method.choose_box = !a.no_pivot_box;
  run.method.sound_segments = !a.no_segments;
  run.method.cancelled = [] { return interrupted(); };
  std::unique_ptr<ProgressBar> bar;
  run.progress = [&](int done, int total) {
    if (!bar) bar = std::make_unique<ProgressBar>("evaluating", total, "videos");
    bar->update(done);
    throw_if_interrupted();
    return true;
  };
  const eval::RunSummary summary = eval::run_avs(dataset, a.out, run);
  bar.reset();
  std::printf("%d videos: %d done before, %d in other hands\n%s\n", summary.videos,
              summary.done_before, summary.left_to_others, a.out.c_str());
}

void score(const ScoreArguments& a) {
  const auto dataset = datasets::AvsDataset::open(datasets::avs_layout(a.layout), a.root);
  ProgressBar bar("scoring", static_cast<int64_t>(dataset.videos().size()), "videos");
  const auto result = eval::score_avs(dataset, a.results, [&](int done, int) {
    bar.update(done);
    throw_if_interrupted();
  });
  bar.finish();
  std::fputs(eval::table(result).c_str(), stdout);
  if (!a.json_file.empty()) write_file(a.json_file, std::string_view(eval::json(result)));
}

template <typename Arguments>
void add_dataset_options(CLI::App& command, Arguments& a) {
  command.add_option("--layout", a.layout, "AVSBench's setting: s4, ms3, avss or v2-binary")
      ->check(
          CLI::IsMember(std::vector<std::string>(kLayouts.begin(), kLayouts.end())).description(""))
      ->required()
      ->type_name("L");
  command.add_option("--root", a.root, "the data set's folder")->required()->type_name("DIR");
}

}  // namespace

void add_evaluate_avs(CLI::App& evaluate_command) {
  static const std::map<std::string, ReasonerKind> kReasoners = {{"rules", ReasonerKind::kRules},
                                                                 {"replay", ReasonerKind::kReplay},
                                                                 {"first", ReasonerKind::kFirst}};
  CLI::App* avs = evaluate_command.add_subcommand(
      "avs", "what sounds, on the test split of a setting of AVSBench, for `alref score avs`");
  auto arguments = std::make_shared<EvaluateArguments>();
  EvaluateArguments& a = *arguments;
  add_dataset_options(*avs, a);
  avs->add_option("-o,--out", a.out,
                  "results; a run that was stopped continues when it is started again")
      ->required()
      ->type_name("DIR");
  avs->add_option("--shard", a.shard,
                  "every n-th video from i on [default: a Slurm array's task, else all]")
      ->type_name("i/n");
  ModelOptions& models = a.run.models;
  avs->add_option("--sam2", models.sam2, "NAME of an installed model or a GGUF FILE")
      ->capture_default_str();
  avs->add_option("--detector", models.detector, "the same")->capture_default_str();
  avs->add_option("--tagger", models.taggers, "BEATs; several are united")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->capture_default_str();
  avs->add_option("--sound-matcher", models.sound_matcher, "LanguageBind, audio and text")
      ->capture_default_str();
  avs->add_option("--class-matcher", models.class_matcher,
                  "LanguageBind whose text network maps labels to classes");
  AvOptions& method = a.run.method;
  avs->add_option("--reasoner", method.reasoner, "rules, replay or first")
      ->transform(CLI::CheckedTransformer(kReasoners).description(""))
      ->type_name("KIND");
  avs->add_option("--replay", method.replay_files, "recorded answers")->type_name("FILE");
  avs->add_option("--segments", method.segments_file,
                  "JSON, {video: [[begin, end], ...]}: where the sound changes")
      ->type_name("FILE");
  avs->add_option("--segment-threshold", method.segment_threshold,
                  "else it changes where two seconds are less alike [default: the tagger's own, "
                  "else 0.5 as in the paper]")
      ->check(in_range(0, 1));
  avs->add_option("--box-threshold", method.box_threshold, "of the detector")
      ->capture_default_str()
      ->check(in_range(0.001, 1));
  avs->add_flag("--no-segments", a.no_segments, "every label sounds all the time");
  avs->add_flag("--no-pivot-box", a.no_pivot_box, "the detector's best box");
  avs->add_flag("--true-labels", a.run.true_labels, "from the truth instead of the sound; not ms3");
  add_device_options(*avs, models.device);
  avs->footer("example: alref evaluate avs --layout ms3 --root AVSBench/Multi-sources -o out");
  avs->callback([arguments] { evaluate(*arguments); });
}

void add_score_avs(CLI::App& score_command) {
  CLI::App* avs = score_command.add_subcommand(
      "avs", "M_J and M_F, or mIoU and F-score, as AVSBench's and AL-Ref-SAM 2's evaluators do");
  auto arguments = std::make_shared<ScoreArguments>();
  avs->add_option("RESULTS", arguments->results,
                  "folder of results: [CATEGORY or LABEL/]VIDEO/1_video_mask.png ...")
      ->required();
  add_dataset_options(*avs, *arguments);
  avs->add_option("--json", arguments->json_file, "all scores, video by video")->type_name("FILE");
  avs->footer("example: alref score avs out --layout ms3 --root AVSBench/Multi-sources");
  avs->callback([arguments] { score(*arguments); });
}

}  // namespace alref::cli
