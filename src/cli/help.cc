// SPDX-License-Identifier: Apache-2.0
#include "cli/help.h"

#include <string>
#include <vector>

namespace alref::cli {
namespace {

std::string shortest_name(const CLI::Option& option) {
  return option.get_snames().empty() ? "--" + option.get_lnames().front()
                                     : "-" + option.get_snames().front();
}

class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() { label("REQUIRED", ""); }

  std::string make_description(const CLI::App*) const override { return {}; }

  // A command with --help-all keeps what few users need out of --help: all groups but the first.
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override {
    if (mode == CLI::AppFormatMode::All || !app->get_help_all_ptr())
      return Formatter::make_help(app, name, mode);
    const std::vector<std::string> groups = app->get_groups();
    const auto usual = app->get_options([&](const CLI::Option* option) {
      return option->get_group() == groups.front() && option->nonpositional();
    });
    std::string rest;
    for (size_t i = 1; i < groups.size(); ++i) rest += (i > 1 ? ", " : "") + groups[i];
    return make_usage(app, name) + make_positionals(app) +
           make_group(groups.front(), false, usual) + "\nMore under --help-all: " + rest + "\n\n" +
           make_footer(app);
  }

  std::string make_usage(const CLI::App* app, std::string name) const override {
    std::string line = "usage: " + name;
    bool more = false;
    for (const CLI::Option* option : app->get_options()) {
      if (option->get_positional()) {
        line += option->get_required() ? " " + option->get_name(true)
                                       : " [" + option->get_name(true) + "]";
      } else if (option->get_required()) {
        const std::string one = shortest_name(*option) + " " + option->get_type_name();
        line += " " + one;
        if (option->get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll)
          line += " [" + one + " ...]";
      } else {
        more = true;
      }
    }
    const auto named = [](const CLI::App* command) { return !command->get_name().empty(); };
    if (!app->get_subcommands(named).empty()) line += " COMMAND";
    return line + (more ? " [options]" : "") + "\n\n" + app->get_description() + "\n";
  }
};

}  // namespace

std::shared_ptr<CLI::Formatter> make_help_formatter() { return std::make_shared<HelpFormatter>(); }

}  // namespace alref::cli
