// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

namespace alref::testing {

/// A Python script that serves on loopback for as long as this lives. It is called with the path of
/// a log, prints two ports (its own, and one of a server that nobody should ask), and ends with its
/// standard input.
class LoopbackServer {
 public:
  LoopbackServer(const char* script, const std::string& log) {
    int in[2], out[2];
    if (pipe(in) != 0 || pipe(out) != 0) std::abort();
    process_ = fork();
    if (process_ == 0) {
      dup2(in[0], 0);
      dup2(out[1], 1);
      close(in[1]);
      close(out[0]);
      execlp("python3", "python3", script, log.c_str(), static_cast<char*>(nullptr));
      _exit(127);
    }
    close(in[0]);
    close(out[1]);
    stdin_ = in[1];
    std::FILE* output = fdopen(out[0], "r");
    if (std::fscanf(output, "%d %d", &port, &other_port) != 2) std::abort();
    std::fclose(output);
  }
  ~LoopbackServer() {
    close(stdin_);
    waitpid(process_, nullptr, 0);
  }
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  int port = 0;
  int other_port = 0;

 private:
  pid_t process_ = 0;
  int stdin_ = -1;
};

}  // namespace alref::testing
