// SPDX-License-Identifier: Apache-2.0
#include "media/media_testing.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace alref::testing {

TempDir::TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "alref-test-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp: " + pattern);
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string run(const std::string& line) {
  std::FILE* pipe = popen(line.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("popen: " + line);
  std::string output;
  char part[1 << 16];
  while (const size_t count = std::fread(part, 1, sizeof part, pipe)) output.append(part, count);
  if (const int status = pclose(pipe); status != 0) {
    throw std::runtime_error("exit status " + std::to_string(status) + " of: " + line + "\n" +
                             output.substr(0, 2000));
  }
  return output;
}

std::string ffmpeg(const std::string& arguments) {
  return run("ffmpeg -nostdin -hide_banner -loglevel error -y " + arguments);
}

std::vector<Image> frames_by_ffmpeg(const std::string& path, int width, int height) {
  const std::string raw = ffmpeg(
      "-i '" + path + "' -map 0:v:0 -vsync passthrough -f rawvideo -pix_fmt rgb24 - 2>/dev/null");
  const size_t size = static_cast<size_t>(width) * static_cast<size_t>(height) * 3;
  std::vector<Image> frames;
  for (size_t at = 0; at + size <= raw.size(); at += size) {
    Image& frame = frames.emplace_back(width, height);
    std::copy_n(raw.begin() + static_cast<ptrdiff_t>(at), size, frame.pixels.begin());
  }
  return frames;
}

std::vector<uint8_t> bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("no file " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_bytes(const std::string& path, const std::vector<uint8_t>& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  if (!file) throw std::runtime_error("cannot write " + path);
}

int max_difference(const Image& a, const Image& b) {
  if (a.width != b.width || a.height != b.height) return 256;
  int largest = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) {
    largest = std::max(largest, std::abs(int{a.pixels[i]} - int{b.pixels[i]}));
  }
  return largest;
}

LogCapture::LogCapture() {
  set_log_callback(
      [this](LogLevel, std::string_view message) { text.append(message).append("\n"); });
}

LogCapture::~LogCapture() { set_log_callback({}); }

}  // namespace alref::testing
