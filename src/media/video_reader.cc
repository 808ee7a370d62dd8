// SPDX-License-Identifier: Apache-2.0
#include "media/video_reader.h"

#include "alref/error.h"

#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include "core/file_name.h"
#include "media/image_folder.h"
#include "media/video_file.h"
#include "media/video_stream.h"

namespace alref::media {
namespace {

// A still picture by content, and not by name a sequence of them (motion JPEG begins like a JPEG).
bool is_still_image(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             std::fclose);
  std::array<uint8_t, 8> start{};
  if (!file || std::fread(start.data(), 1, start.size(), file.get()) < start.size()) return false;
  const bool jpeg = start[0] == 0xff && start[1] == 0xd8 && start[2] == 0xff;
  const bool png = std::memcmp(start.data(), "\x89PNG\r\n\x1a\n", 8) == 0;
  const std::string extension = ending_of(path);
  return (jpeg && extension != ".mjpeg" && extension != ".mjpg") || (png && extension != ".apng");
}

}  // namespace

std::unique_ptr<FrameSource> open_video(const std::string& path, const VideoOptions& options) {
  if (path == "-") return std::make_unique<VideoStream>(path, options);
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (error || !std::filesystem::exists(status)) {
    throw Error(ErrorKind::kInput,
                path + ": " + (error ? error.message() : "no such file or folder"));
  }
  if (std::filesystem::is_directory(status)) {
    return std::make_unique<ImageFrames>(image_files(path), options);
  }
  if (!std::filesystem::is_regular_file(status))
    return std::make_unique<VideoStream>(path, options);
  if (std::filesystem::file_size(path, error) == 0 && !error) {
    throw Error(ErrorKind::kInput, path + ": is empty");
  }
  if (is_still_image(path)) {
    return std::make_unique<ImageFrames>(std::vector<std::string>{path}, options);
  }
  return std::make_unique<VideoFile>(path, options);
}

}  // namespace alref::media
