// SPDX-License-Identifier: Apache-2.0
#include "cli/segment_input.h"

#include "alref/error.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <vector>

#include "cli/terminal.h"
#include "core/atomic_file.h"
#include "core/is_stream.h"
#include "core/sha256.h"

namespace alref::cli {
namespace {

namespace fs = std::filesystem;

/// Up to so many bytes of decoded frames, a video is decoded once rather than once a pass.
constexpr int64_t kKeptVideoBytes = int64_t{384} << 20;

std::string file_key(const fs::path& path) {
  std::error_code error;
  const auto time = fs::last_write_time(path, error);
  return path.filename().string() + " " + std::to_string(fs::file_size(path, error)) + " " +
         std::to_string(time.time_since_epoch().count()) + "\n";
}

std::string folder_key(const fs::path& folder) {
  std::vector<std::string> keys;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file()) keys.push_back(file_key(entry.path()));
  }
  std::ranges::sort(keys);
  std::string all;
  for (const std::string& key : keys) all += key;
  return sha256_hex(all);
}

/// Writes a stream to a file and returns the SHA-256 of what it gave.
std::string keep_stream(const std::string& path, const std::string& file) {
  std::FILE* in = path == "-" ? stdin : std::fopen(path.c_str(), "rb");
  if (!in) throw Error(ErrorKind::kInput, path + ": " + std::strerror(errno));
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> closer(in == stdin ? nullptr : in,
                                                               &std::fclose);
  AtomicFile out(file);
  Sha256 sha;
  std::array<uint8_t, 1 << 16> block{};
  while (const size_t count = std::fread(block.data(), 1, block.size(), in)) {
    throw_if_interrupted();
    const std::span<const uint8_t> bytes(block.data(), count);
    sha.update(bytes);
    out.write(std::as_bytes(bytes));
  }
  if (std::ferror(in)) throw Error(ErrorKind::kInput, path + ": " + std::strerror(errno));
  throw_if_interrupted();  // it may have ended the stream's writer, too
  out.commit(Durability::kRenamed);
  return sha.hex_digest();
}

}  // namespace

SegmentInput open_segment_input(const std::string& path, const std::string& work_folder,
                                const media::VideoOptions& options) {
  SegmentInput input;
  std::string file = path;
  if (is_stream(path)) {
    file = work_folder + "/stream";
    input.name = "stream";
    input.key = keep_stream(path, file);
  } else {
    const fs::path clean = fs::path(path).lexically_normal();
    input.name = (clean.has_filename() ? clean : clean.parent_path()).filename().string();
  }
  input.frames = media::open_video(file, options);
  const int64_t frames = input.frames->frame_count().value_or(0);
  const int64_t frame_bytes = int64_t{input.frames->width()} * input.frames->height() * 3;
  if (frames > options.kept_frames &&
      frames <= kKeptVideoBytes / std::max<int64_t>(1, frame_bytes)) {
    media::VideoOptions all = options;
    all.kept_frames = static_cast<int>(frames);
    input.frames = media::open_video(file, all);
  }
  if (!fs::is_directory(file)) input.sound = file;
  if (input.key.empty()) input.key = fs::is_directory(file) ? folder_key(file) : file_key(file);
  return input;
}

}  // namespace alref::cli
