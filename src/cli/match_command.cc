// SPDX-License-Identifier: Apache-2.0
#include "cli/match_command.h"

#include "alref/audio.h"
#include "alref/models.h"

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "cli/options.h"
#include "cli/sound_input.h"

namespace alref::cli {
namespace {

struct Arguments {
  std::string audio;
  std::string model = "nano-language-bind";
  std::vector<std::string> texts;
  DeviceOptions device;
};

void run(const Arguments& arguments) {
  const auto sound = open_sound_input(arguments.audio, /*read_again=*/true);
  const std::vector<float> similarities =
      SoundMatcher(find_model_file(arguments.model), arguments.device)
          .similarities(*sound, arguments.texts);
  for (size_t i = 0; i < similarities.size(); ++i) {
    std::printf("%7.4f  %s\n", static_cast<double>(similarities[i]), arguments.texts[i].c_str());
  }
}

}  // namespace

void add_match_command(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("match", "says how well texts describe a sound (LanguageBind)");
  auto arguments = std::make_shared<Arguments>();
  command
      ->add_option(
          "AUDIO", arguments->audio,
          "a sound file, a video with sound, or - for a stream of at most 10 minutes on stdin")
      ->required();
  command
      ->add_option("--model", arguments->model,
                   "LanguageBind, audio: name of an installed model, or a GGUF file")
      ->type_name("MODEL")
      ->capture_default_str();
  command
      ->add_option("--text", arguments->texts,
                   "a description, in English; may be given several times")
      ->required()
      ->type_name("TEXT")
      ->allow_extra_args(false);
  add_device_options(*command, arguments->device);
  command->footer(
      "Prints each text's similarity with the sound, from -1 to 1. Of a sound longer than 10.4 s "
      "three\nchunks of that length count: the middles of its thirds.\n"
      "example: alref match pets.wav --text \"dog barking\" --text \"cat meow\"");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace alref::cli
