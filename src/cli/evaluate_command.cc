// SPDX-License-Identifier: Apache-2.0
#include "cli/evaluate_command.h"

#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "cli/evaluate_avs.h"
#include "cli/options.h"
#include "cli/share_options.h"
#include "cli/terminal.h"
#include "eval/rvos_run.h"

namespace alref::cli {
namespace {

struct Arguments {
  std::string layout = "ref-youtube-vos";
  std::string root;
  std::string out;
  std::string shard;
  std::vector<std::string> oracles;
  bool no_pivot_frame = false;
  bool no_pivot_box = false;
  bool no_reverse = false;
  bool ablations = false;
  RefOptions method;
  eval::RvosRunOptions run;
};

void evaluate(Arguments& arguments) {
  const auto dataset =
      datasets::RvosDataset::open(datasets::rvos_layout(arguments.layout), arguments.root);
  eval::RvosRunOptions& run = arguments.run;
  RefOptions& method = arguments.method;
  choose_shard(arguments.shard, run);
  method.choose_frame = !arguments.no_pivot_frame;
  method.choose_box = !arguments.no_pivot_box;
  method.reverse = !arguments.no_reverse;
  eval::Oracles oracles;
  for (const std::string& oracle : arguments.oracles) {
    (oracle == "frame" ? oracles.frame : oracle == "box" ? oracles.box : oracles.detections) = true;
  }
  method.cancelled = [] { return interrupted(); };
  run.variants = {{.name = "", .method = method, .oracles = oracles}};
  if (arguments.ablations) run.variants = eval::ablations(method, !run.kinds.empty());
  std::unique_ptr<ProgressBar> bar;
  run.progress = [&](int done, int total) {
    if (!bar) bar = std::make_unique<ProgressBar>("evaluating", total, "videos");
    bar->update(done);
    throw_if_interrupted();
    return true;
  };
  const eval::RunSummary summary = eval::run_rvos(dataset, arguments.out, run);
  bar.reset();
  std::printf("%d videos: %d done before, %d in other hands\n%s\n", summary.videos,
              summary.done_before, summary.left_to_others, arguments.out.c_str());
}

}  // namespace

void add_evaluate_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("evaluate", "runs the method on a whole data set");
  command->require_subcommand(1);
  CLI::App* rvos = command->add_subcommand(
      "rvos", "referring video object segmentation, for `alref score rvos` or a server");
  static const std::map<std::string, ReasonerKind> kReasoners = {{"rules", ReasonerKind::kRules},
                                                                 {"replay", ReasonerKind::kReplay},
                                                                 {"first", ReasonerKind::kFirst}};
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  rvos->add_option("--layout", a.layout, "the data set's layout")
      ->check(CLI::IsMember({"ref-youtube-vos", "ref-davis17", "mevis"}))
      ->capture_default_str();
  rvos->add_option("--root", a.root, "the data set's folder")->required()->type_name("DIR");
  rvos->add_option("-o,--out", a.out,
                   "results; a run that was stopped continues when it is started again")
      ->required()
      ->type_name("DIR");
  rvos->add_option("--shard", a.shard,
                   "every n-th video from i on [default: a Slurm array's task, else all]")
      ->type_name("i/n");
  rvos->add_option("--sam2", a.run.models.sam2, "NAME of an installed model or a GGUF FILE")
      ->capture_default_str();
  rvos->add_option("--detector", a.run.models.detector, "the same")->capture_default_str();
  rvos->add_option("--reasoner", a.method.reasoner, "rules, replay or first")
      ->transform(CLI::CheckedTransformer(kReasoners).description(""))
      ->type_name("KIND");
  rvos->add_option("--replay", a.method.replay_files, "recorded answers")->type_name("FILE");
  rvos->add_option("--box-threshold", a.method.box_threshold, "of the detector")
      ->capture_default_str()
      ->check(in_range(0.001, 1));
  rvos->add_option("--fallback-threshold", a.method.fallback_box_threshold,
                   "the same where no clip gives a pivot; the paper takes 0.1 on Ref-DAVIS17")
      ->capture_default_str()
      ->check(in_range(0.001, 1));
  rvos->add_option("--step", a.method.step, "frames between two sampled frames")
      ->capture_default_str()
      ->check(in_range(1, 10000));
  rvos->add_option("--frames-per-clip", a.method.frames_per_clip, "sampled frames in a clip")
      ->capture_default_str()
      ->check(in_range(1, 50));
  rvos->add_flag("--no-pivot-frame", a.no_pivot_frame, "the first sampled frame of each clip");
  rvos->add_flag("--no-pivot-box", a.no_pivot_box, "the detector's best box");
  rvos->add_flag("--single-pivot", a.method.single_pivot, "only the middle pivot");
  rvos->add_flag("--no-reverse", a.no_reverse, "no masks before the middle pivot");
  rvos->add_option("--oracle", a.oracles,
                   "an experiment in which the truth chooses: frame, box, or detections")
      ->check(CLI::IsMember({"frame", "box", "detections"}))
      ->type_name("PART")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  rvos->add_option("--kinds", a.run.kinds, "StampBench's stampbench.json, for --oracle detections")
      ->type_name("FILE");
  rvos->add_flag("--ablations", a.ablations,
                 "a folder in OUT for each: baseline, pivot-frame, pivot-box, oracle-...");
  add_device_options(*rvos, a.run.models.device);
  rvos->footer(
      "example: alref evaluate rvos --layout mevis --root bench-data/mevis -o out --shard 0/4");
  rvos->callback([arguments] { evaluate(*arguments); });
  add_evaluate_avs(*command);
}

}  // namespace alref::cli
