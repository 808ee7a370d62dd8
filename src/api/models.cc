// SPDX-License-Identifier: Apache-2.0
#include "alref/models.h"

#include "alref/error.h"

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "api/networks.h"
#include "perception/beats/beats.h"
#include "perception/grounding_dino/grounding_dino.h"
#include "perception/language_bind/language_bind.h"
#include "perception/sam2/sam2.h"

namespace alref {
namespace {

std::vector<std::filesystem::path> model_folders() {
  std::vector<std::filesystem::path> folders;
  const auto add = [&](const char* variable, const char* below) {
    const char* value = std::getenv(variable);
    if (value && *value != '\0') folders.push_back(std::filesystem::path(value) / below);
    return value && *value != '\0';
  };
  add("ALREF_MODELS", "");
  if (!add("XDG_DATA_HOME", "alref/models")) add("HOME", ".local/share/alref/models");
  folders.emplace_back(ALREF_MODEL_FOLDER);
  return folders;
}

/// Changes whenever the file does, short of someone's forging its time.
std::string identity_of(const std::filesystem::path& file) {
  return file.filename().string() + " " + std::to_string(std::filesystem::file_size(file)) + " " +
         std::to_string(std::filesystem::last_write_time(file).time_since_epoch().count());
}

}  // namespace

std::string user_model_folder() {
  const auto folders = model_folders();
  if (folders.size() < 2)  // the program's own is always there
    throw Error(ErrorKind::kUnavailable,
                "no folder for models: neither ALREF_MODELS nor HOME is set");
  return folders.front();
}

std::map<std::string, std::string> installed_models() {
  std::map<std::string, std::string> models;
  for (const auto& folder : model_folders()) {
    std::error_code missing;
    for (const auto& entry : std::filesystem::directory_iterator(folder, missing)) {
      if (entry.is_regular_file() && entry.path().extension() == ".gguf")
        models.try_emplace(entry.path().stem(), entry.path());
    }
  }
  return models;
}

std::string find_model_file(const std::string& name) {
  std::error_code unknown;  // a name that no file can have, a folder where nobody may look
  if (std::filesystem::is_regular_file(name, unknown)) return name;
  std::string places;
  for (const auto& folder : model_folders()) {
    const auto file = folder / (name + ".gguf");
    if (std::filesystem::is_regular_file(file, unknown)) return file;
    places += (places.empty() ? "" : ", ") + folder.string();
  }
  throw Error(ErrorKind::kModel, name + ": no such file, and no model of that name in " + places);
}

Models::Models(const ModelOptions& options) : networks_(std::make_unique<Networks>()) {
  const std::string sam2 = find_model_file(options.sam2),
                    detector = find_model_file(options.detector);
  const auto device = std::make_shared<compute::Device>(options.device);
  networks_->options = options;
  networks_->device = device;
  Sam2VideoOptions video;
  video.max_conditioning_frames = options.max_conditioning_frames;
  video.feature_cache_bytes = options.feature_cache_bytes;
  video.history_bytes = 0;  // the method goes forward and back from one frame, and corrects nothing
  networks_->segmenter = sam2::make_sam2(sam2, device, video);
  networks_->detector = grounding_dino::make_grounding_dino(detector, device);
  networks_->identity =
      identity_of(sam2) + "\n" + identity_of(detector) + "\n" + options.device.name + " " +
      std::to_string(static_cast<int>(device->precision())) + " " +
      std::to_string(device->threads()) + " " + std::to_string(options.max_conditioning_frames);
}

Models::~Models() = default;

SoundNetworks& Models::Networks::sound() {
  if (sound_networks) return *sound_networks;
  if (options.taggers.empty())
    throw Error(ErrorKind::kInvalidArgument, "models: expected at least one tagger");
  auto made = std::make_unique<SoundNetworks>();
  for (const std::string& name : options.taggers) {
    const std::string tagger = find_model_file(name);
    made->taggers.push_back(std::make_unique<beats::Beats>(tagger, *device));
    made->identity += identity_of(tagger) + "\n";
  }
  const std::string matcher = find_model_file(options.sound_matcher);
  made->matcher = std::make_unique<language_bind::LanguageBind>(matcher, *device);
  made->identity += identity_of(matcher) + "\n";
  if (!options.class_matcher.empty() && find_model_file(options.class_matcher) != matcher) {
    const std::string classes = find_model_file(options.class_matcher);
    made->own_class_matcher = std::make_unique<language_bind::LanguageBind>(classes, *device);
    made->identity += identity_of(classes) + "\n";
  }
  sound_networks = std::move(made);
  return *sound_networks;
}

}  // namespace alref
