// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <cstdint>
#include <string>
#include <vector>

#include "core/log.h"

// Samples made by the ffmpeg program, and what the ffmpeg program itself says is in them.
namespace alref::testing {

/// A folder of its own, removed with the object.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Runs a shell line; throws std::runtime_error with its output if it fails. Returns its standard
/// output.
std::string run(const std::string& line);
/// ffmpeg, quiet, overwriting.
std::string ffmpeg(const std::string& arguments);

/// All frames of a file as the ffmpeg program decodes them from the start.
std::vector<Image> frames_by_ffmpeg(const std::string& path, int width, int height);

std::vector<uint8_t> bytes_of(const std::string& path);
void write_bytes(const std::string& path, const std::vector<uint8_t>& bytes);

/// The largest difference of two images' values; 256 if their sizes differ.
int max_difference(const Image& a, const Image& b);

/// Collects the library's messages while it lives.
class LogCapture {
 public:
  LogCapture();
  ~LogCapture();
  std::string text;  ///< one message a line
};

}  // namespace alref::testing
