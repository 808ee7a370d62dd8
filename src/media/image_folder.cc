// SPDX-License-Identifier: Apache-2.0
#include "media/image_folder.h"

#include "alref/error.h"

#include <algorithm>
#include <filesystem>

#include "core/file_name.h"

namespace alref::media {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_image_name(const std::filesystem::path& path) {
  const std::string extension = ending_of(path);
  const bool hidden = path.filename().string().starts_with('.');
  return !hidden && (extension == ".jpg" || extension == ".jpeg" || extension == ".png");
}

// The run of digits at the front, without leading zeros.
std::string_view take_number(std::string_view& text) {
  size_t end = 0;
  while (end < text.size() && is_digit(text[end])) ++end;
  std::string_view number = text.substr(0, end);
  text.remove_prefix(end);
  number.remove_prefix(std::min(number.find_first_not_of('0'), number.size()));
  return number;
}

}  // namespace

bool natural_less(std::string_view a, std::string_view b) {
  const std::string_view whole_a = a;
  const std::string_view whole_b = b;
  while (!a.empty() && !b.empty()) {
    if (is_digit(a[0]) && is_digit(b[0])) {
      const std::string_view number_a = take_number(a);
      const std::string_view number_b = take_number(b);
      if (number_a.size() != number_b.size()) return number_a.size() < number_b.size();
      if (number_a != number_b) return number_a < number_b;
    } else {
      if (a[0] != b[0]) return a[0] < b[0];
      a.remove_prefix(1);
      b.remove_prefix(1);
    }
  }
  if (a.empty() != b.empty()) return a.empty();
  return whole_a < whole_b;  // "01" and "1": any order, but always the same
}

std::vector<std::string> image_files(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    if (is_image_name(it->path())) names.push_back(it->path().filename().string());
  }
  if (error) throw Error(ErrorKind::kInput, folder + ": cannot be read: " + error.message());
  if (names.empty()) {
    throw Error(ErrorKind::kInput, folder + ": a folder without .jpg, .jpeg or .png frames");
  }
  std::sort(names.begin(), names.end(), natural_less);
  for (std::string& name : names) name = (std::filesystem::path(folder) / name).string();
  return names;
}

ImageFrames::ImageFrames(std::vector<std::string> files, const VideoOptions& options)
    : files_(std::move(files)), options_(options) {
  if (files_.size() > static_cast<size_t>(options_.max_frames)) {
    throw Error(ErrorKind::kInput, std::filesystem::path(files_.front()).parent_path().string() +
                                       ": " + std::to_string(files_.size()) + " frames, at most " +
                                       std::to_string(options_.max_frames) + " are allowed");
  }
  frame(0);
}

std::shared_ptr<const Image> ImageFrames::frame(int index) {
  if (index < 0) {
    throw Error(ErrorKind::kInvalidArgument, files_[0] + ": frame " + std::to_string(index));
  }
  if (static_cast<size_t>(index) >= files_.size()) return nullptr;
  const auto found = std::find_if(kept_.begin(), kept_.end(),
                                  [&](const Kept& kept) { return kept.index == index; });
  if (found != kept_.end()) {
    std::rotate(kept_.begin(), found, found + 1);
    return kept_.front().image;
  }
  const std::string& file = files_[static_cast<size_t>(index)];
  auto image = std::make_shared<const Image>(read_image(file, options_.max_pixels));
  if (width_ == 0) {
    width_ = image->width;
    height_ = image->height;
  } else if (image->width != width_ || image->height != height_) {
    throw Error(ErrorKind::kInput, file + ": " + std::to_string(image->width) + " x " +
                                       std::to_string(image->height) + " pixels, expected " +
                                       std::to_string(width_) + " x " + std::to_string(height_) +
                                       " as in the first frame");
  }
  kept_.push_front({index, std::move(image)});
  while (kept_.size() > static_cast<size_t>(std::max(options_.kept_frames, 1))) kept_.pop_back();
  return kept_.front().image;
}

}  // namespace alref::media
