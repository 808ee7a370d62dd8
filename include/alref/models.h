// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace alref {

/// The networks of a run and where they run.
struct ModelOptions {
  std::string sam2 =
      "nano-sam2.1";  ///< a GGUF file, or an installed model's name (find_model_file())
  std::string detector = "nano-grounding-dino";  ///< the same
  /// What listens; loaded when the first AvSegmenter is made. BEATs models whose tags are united
  /// (the paper takes two), and LanguageBind for sounds and labels; the text network of the last
  /// one (the paper's: of LanguageBind_Image) says which class a label is, empty: `sound_matcher`.
  std::vector<std::string> taggers = {"nano-beats"};
  std::string sound_matcher = "nano-language-bind";
  std::string class_matcher = {};
  DeviceOptions device = {};
  /// How many frames with prompts a frame's masks depend on, the nearest ones; -1: all, as in the
  /// paper, at a cost that grows with the video.
  int max_conditioning_frames = 8;
  /// Memory for features of frames looked at lately, which other sentences and passes need again.
  size_t feature_cache_bytes = size_t{512} << 20;
};

/// The file of a model: `name` itself where it is a file, else NAME.gguf in one of the model
/// folders: $ALREF_MODELS, $XDG_DATA_HOME/alref/models (or ~/.local/share/alref/models), the one
/// that came with this program. Throws Error(kModel) that lists where it looked.
std::string find_model_file(const std::string& name);

/// Where a user's own models go: $ALREF_MODELS, else $XDG_DATA_HOME/alref/models, else
/// ~/.local/share/alref/models. Throws Error(kUnavailable) where none of the variables is set.
std::string user_model_folder();

/// The files of all models that find_model_file() finds by name, by name; of two of one name the
/// one that it finds.
std::map<std::string, std::string> installed_models();

/// Networks loaded once and shared by several segmenters. Threads: segmenters that share one take
/// turns themselves.
class Models {
 public:
  /// @throws Error  kModel: not found, damaged or of another kind. kUnavailable: no such device.
  explicit Models(const ModelOptions& options = {});
  ~Models();
  Models(const Models&) = delete;
  Models& operator=(const Models&) = delete;

  struct Networks;
  /// For the library's own use.
  Networks& networks() { return *networks_; }

 private:
  std::unique_ptr<Networks> networks_;
};

}  // namespace alref
