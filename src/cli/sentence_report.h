// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/models.h"
#include "alref/ref_segmenter.h"

#include <string>
#include <vector>

#include "cli/segment_input.h"

namespace alref::cli {

/// The name of the file that stands for a model, without folders.
std::string model_file_name(const std::string& model);

/// Writes `path`.json and `path`.html: what was answered to sentences, and why. What the run's
/// stages did not take of `total_seconds` went into the outputs.
void write_sentence_report(const std::string& path, const SegmentInput& input,
                           const ModelOptions& models, ReasonerKind reasoner,
                           std::vector<RefResult> results, const RefCosts& costs,
                           double total_seconds);

}  // namespace alref::cli
