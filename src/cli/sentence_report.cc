// SPDX-License-Identifier: Apache-2.0
#include "cli/sentence_report.h"

#include "alref/version.h"

#include <filesystem>
#include <string_view>
#include <utility>

#include "cli/reasoner_options.h"
#include "core/atomic_file.h"
#include "outputs/report/report.h"

namespace alref::cli {

std::string model_file_name(const std::string& model) {
  return std::filesystem::path(find_model_file(model)).filename().string();
}

void write_sentence_report(const std::string& path, const SegmentInput& input,
                           const ModelOptions& models, ReasonerKind reasoner,
                           std::vector<RefResult> results, const RefCosts& costs,
                           double total_seconds) {
  const outputs::ReportedRun report{.video = input.name,
                                    .width = input.frames->width(),
                                    .height = input.frames->height(),
                                    .frame_rate = input.frames->frame_rate(),
                                    .frames = *input.frames->frame_count(),
                                    .results = std::move(results),
                                    .version = version(),
                                    .reasoner = name_of(reasoner),
                                    .models = {{"sam2", model_file_name(models.sam2)},
                                               {"detector", model_file_name(models.detector)}},
                                    .costs = costs,
                                    .output_seconds = total_seconds - costs.stage_seconds(),
                                    .total_seconds = total_seconds};
  write_file(path + ".json", std::string_view(outputs::report_json(report)));
  write_file(path + ".html", std::string_view(outputs::report_html(report)));
}

}  // namespace alref::cli
