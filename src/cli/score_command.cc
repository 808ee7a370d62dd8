// SPDX-License-Identifier: Apache-2.0
#include "cli/score_command.h"

#include "alref/error.h"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/evaluate_avs.h"
#include "cli/terminal.h"
#include "core/atomic_file.h"
#include "eval/mask_score.h"
#include "eval/rvos_score.h"

namespace alref::cli {
namespace {

struct Arguments {
  std::string layout = "ref-youtube-vos";
  std::string root;
  std::string results;
  std::string task = "unsupervised";
  std::string attributes;
  std::string json_file;
  std::string chart_file;
};

void write(const std::string& file, const std::string& text) {
  AtomicFile out(file);
  out.write(text);
  out.commit();
}

void score(const Arguments& arguments) {
  const auto dataset =
      datasets::RvosDataset::open(datasets::rvos_layout(arguments.layout), arguments.root);
  eval::RvosScoreOptions options;
  options.task = arguments.task == "unsupervised" ? eval::DavisTask::kUnsupervised
                                                  : eval::DavisTask::kSemiSupervised;
  options.attributes = arguments.attributes;
  ProgressBar progress("scoring", static_cast<int64_t>(dataset.videos().size()), "videos");
  options.progress = [&](int done, int) {
    progress.update(done);
    throw_if_interrupted();
  };
  const eval::RvosScore result = eval::score_rvos(dataset, arguments.results, options);
  progress.finish();
  std::fputs(eval::table(result).c_str(), stdout);
  if (dataset.layout() == datasets::RvosLayout::kRefDavis17) {
    std::printf("task: %s\n", arguments.task.c_str());
  }
  if (!arguments.json_file.empty()) write(arguments.json_file, eval::json(result));
  if (!arguments.chart_file.empty())
    write(arguments.chart_file, eval::chart(result, arguments.layout));
}

struct MasksArguments {
  std::string predicted;
  std::vector<std::filesystem::path> truths;
  std::vector<std::string> objects;
};

void score_masks(const MasksArguments& a) {
  if (a.objects.empty() && a.truths.size() > 1)
    throw Error(ErrorKind::kInvalidArgument, "several files of true masks: give --object");
  const auto scores = a.objects.empty() ? eval::score_masks(a.predicted, a.truths.front())
                                        : eval::score_named_masks(a.predicted, a.truths, a.objects);
  std::printf("%7s %7s %7s\n", "J", "F", "J&F");
  for (const eval::ScoredMasks& score : scores) {
    std::printf("%7.2f %7.2f %7.2f  %s%s\n", 100 * score.j, 100 * score.f, 100 * score.j_and_f(),
                score.name.c_str(), score.missing ? " (not found)" : "");
  }
}

void add_masks_command(CLI::App& command) {
  CLI::App* masks =
      command.add_subcommand("masks", "J and F of one video's masks against its true ones");
  auto arguments = std::make_shared<MasksArguments>();
  masks
      ->add_option("PREDICTED", arguments->predicted,
                   "masks.json, as `alref segment` and `alref listen` write it")
      ->required();
  masks
      ->add_option("TRUTH", arguments->truths,
                   "the same with the true masks; with --object also several")
      ->required();
  masks
      ->add_option("--object", arguments->objects,
                   "only this object, matched by name instead of place; may be given several "
                   "times; one that was not found "
                   "counts as empty")
      ->type_name("NAME")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  masks->footer("example: alref score masks out/masks.json examples/stampworld/giraffes.json");
  masks->callback([arguments] { score_masks(*arguments); });
}

}  // namespace

void add_score_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("score", "scores results against a data set's truth");
  command->require_subcommand(1);
  add_masks_command(*command);
  CLI::App* rvos = command->add_subcommand("rvos",
                                           "J, F and J&F of referring video object segmentation, "
                                           "as the official evaluators compute them");
  auto arguments = std::make_shared<Arguments>();
  rvos->add_option("RESULTS", arguments->results,
                   "folder of results: Annotations/VIDEO/EXPRESSION/FRAME.png (ref-youtube-vos), "
                   "VIDEO/EXPRESSION/FRAME.png (mevis) or anno_K/VIDEO/FRAME.png (ref-davis17)")
      ->required();
  rvos->add_option("--layout", arguments->layout, "the data set's layout")
      ->check(CLI::IsMember({"ref-youtube-vos", "ref-davis17", "mevis"}))
      ->capture_default_str();
  rvos->add_option("--root", arguments->root, "the data set's folder")
      ->required()
      ->type_name("DIR");
  rvos->add_option(
          "--task", arguments->task,
          "ref-davis17 only: unsupervised matches objects freely, semi-supervised keeps identities "
          "and leaves the first and last frame out")
      ->check(CLI::IsMember({"unsupervised", "semi-supervised"}))
      ->capture_default_str();
  rvos->add_option("--attributes", arguments->attributes,
                   "StampBench's stampbench.json: a row per attribute")
      ->type_name("FILE");
  rvos->add_option("--json", arguments->json_file, "all scores, expression by expression")
      ->type_name("FILE");
  rvos->add_option("--chart", arguments->chart_file, "a bar chart, SVG")->type_name("FILE");
  rvos->footer("example: alref score rvos out --layout mevis --root bench-data/mevis");
  rvos->callback([arguments] { score(*arguments); });
  add_score_avs(*command);
}

}  // namespace alref::cli
