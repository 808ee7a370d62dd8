// SPDX-License-Identifier: Apache-2.0
#include "alref/error.h"
#include "alref/version.h"

#include <cstdio>
#include <new>

#include <CLI/CLI.hpp>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "cli/convert_command.h"
#include "cli/detect_command.h"
#include "cli/evaluate_command.h"
#include "cli/help.h"
#include "cli/listen_command.h"
#include "cli/mask_command.h"
#include "cli/match_command.h"
#include "cli/models_command.h"
#include "cli/score_command.h"
#include "cli/segment_command.h"
#include "cli/tag_command.h"
#include "cli/terminal.h"
#include "cli/track_command.h"
#include "core/log.h"

namespace {

constexpr const char* kFooter =
    "exit status: 0 done, 1 internal error, 2 bad usage, 3 unreadable input, 4 bad model file, 5 "
    "reasoner failed,\n"
    "             6 unwritable output, 7 not available here, 130 interrupted (what was done is "
    "kept)";

int exit_status(alref::ErrorKind kind) {
  switch (kind) {
    case alref::ErrorKind::kInvalidArgument:
      return 2;
    case alref::ErrorKind::kInput:
      return 3;
    case alref::ErrorKind::kModel:
      return 4;
    case alref::ErrorKind::kReasoner:
      return 5;
    case alref::ErrorKind::kOutput:
      return 6;
    case alref::ErrorKind::kUnavailable:
      return 7;
    case alref::ErrorKind::kInterrupted:
      return 130;
  }
  return 1;
}

spdlog::level::level_enum spdlog_level(alref::LogLevel level) {
  switch (level) {
    case alref::LogLevel::kDebug:
      return spdlog::level::debug;
    case alref::LogLevel::kInfo:
      return spdlog::level::info;
    case alref::LogLevel::kWarning:
      return spdlog::level::warn;
    case alref::LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

void set_up_log(int verbosity) {
  auto logger = spdlog::stderr_color_mt("alref");
  logger->set_pattern("%^%l%$: %v");
  logger->set_level(verbosity >= 2   ? spdlog::level::debug
                    : verbosity == 1 ? spdlog::level::info
                                     : spdlog::level::warn);
  alref::set_log_callback([logger](alref::LogLevel level, std::string_view message) {
    logger->log(spdlog_level(level), message);
  });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Finds and segments, in any video, what a sentence names or a sound belongs to.",
               "alref");
  app.formatter(alref::cli::make_help_formatter());
  app.footer(kFooter);
  app.set_version_flag("--version", [] { return alref::version_report(); });
  app.require_subcommand(1);
  app.fallthrough();
  app.set_config("--config", "", "options from a TOML file: a table a command, such as [segment]");
  int verbosity = 0;
  app.add_flag("-v,--verbose", verbosity, "each stage's choice and time, on stderr; twice: more");
  app.parse_complete_callback([&] { set_up_log(verbosity); });

  alref::cli::add_segment_command(app);
  alref::cli::add_listen_command(app);
  alref::cli::add_mask_command(app);
  alref::cli::add_track_command(app);
  alref::cli::add_detect_command(app);
  alref::cli::add_convert_command(app);
  alref::cli::add_models_command(app);
  alref::cli::add_evaluate_command(app);
  alref::cli::add_score_command(app);
  alref::cli::add_tag_command(app);
  alref::cli::add_match_command(app);

  alref::cli::catch_interrupts();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_status(alref::ErrorKind::kInvalidArgument);
  } catch (const alref::Error& error) {
    // Ctrl-C ends what writes a stream, too, and what was cut off may not be readable.
    const bool cut_off = error.kind() == alref::ErrorKind::kInput && alref::cli::interrupted();
    const alref::Error shown = cut_off ? alref::cli::interruption() : error;
    std::fprintf(stderr, "alref: %s\n", shown.what());
    return exit_status(shown.kind());
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "alref: not enough memory\n");
    return exit_status(alref::ErrorKind::kUnavailable);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "alref: internal error: %s\n", error.what());
    return 1;
  }
  return 0;
}
