// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "cli/terminal.h"

namespace alref::cli {

/// One bar a stage.
class StageBars {
 public:
  void show(std::string_view stage, int done, int total) {
    if (stage != stage_) {
      bar_.reset();
      stage_ = stage;
      bar_ = std::make_unique<ProgressBar>(stage_, total,
                                           stage == "pivots"    ? "sentences"
                                           : stage == "prompts" ? "pivots"
                                           : stage == "windows" ? "windows"
                                                                : "frames");
    }
    bar_->update(done);
  }
  void finish() { bar_.reset(); }

 private:
  std::string stage_;
  std::unique_ptr<ProgressBar> bar_;
};

}  // namespace alref::cli
