// SPDX-License-Identifier: Apache-2.0
#include "cli/tag_command.h"

#include "alref/audio.h"
#include "alref/models.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "cli/options.h"
#include "cli/sound_input.h"

namespace alref::cli {
namespace {

struct Arguments {
  std::string audio;
  std::string model = "nano-beats";
  size_t top = 5;
  bool json = false;
  DeviceOptions device;
};

void run(const Arguments& arguments) {
  const auto sound = open_sound_input(arguments.audio, /*read_again=*/false);
  std::vector<AudioTag> tags =
      SoundTagger(find_model_file(arguments.model), arguments.device).tag(*sound);
  tags.resize(std::min(tags.size(), arguments.top));
  if (!arguments.json) {
    for (const AudioTag& tag : tags) {
      std::printf("%.4f  %-12s %s\n", static_cast<double>(tag.probability), tag.id.c_str(),
                  tag.name.c_str());
    }
    return;
  }
  auto list = nlohmann::ordered_json::array();
  for (const AudioTag& tag : tags) {
    list.push_back({{"id", tag.id}, {"name", tag.name}, {"probability", tag.probability}});
  }
  std::printf("%s\n", list.dump(1).c_str());
}

}  // namespace

void add_tag_command(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("tag", "names what sounds in a recording, by AudioSet's classes (BEATs)");
  auto arguments = std::make_shared<Arguments>();
  command
      ->add_option("AUDIO", arguments->audio,
                   "a sound file, a video with sound, or - for a stream on stdin")
      ->required();
  command
      ->add_option("--model", arguments->model, "BEATs: name of an installed model, or a GGUF file")
      ->type_name("MODEL")
      ->capture_default_str();
  command->add_option("--top", arguments->top, "how many of the likeliest classes")
      ->type_name("K")
      ->check(in_range(1, 10000))
      ->capture_default_str();
  command->add_flag("--json", arguments->json, "a JSON list instead of a table");
  add_device_options(*command, arguments->device);
  command->footer(
      "Prints probability, class id and name, the likeliest first. Up to 20 s are heard as one; a "
      "longer\nsound is heard in windows of 10 s, of which a class gets its highest probability.\n"
      "example: alref tag street.mp4 --top 3");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace alref::cli
