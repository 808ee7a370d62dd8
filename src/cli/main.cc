// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>

int main(int argc, char** argv) {
  CLI::App app("Finds and segments, in any video, what a sentence names or a sound belongs to.");
  app.set_version_flag("--version", "alref " ALREF_VERSION);
  CLI11_PARSE(app, argc, argv);
  return 0;
}
