// SPDX-License-Identifier: Apache-2.0
#include "convert/vocabulary.h"

#include "alref/error.h"

#include <algorithm>
#include <string_view>

#include <zlib.h>

#include "audioset_labels_embedded.h"
#include "bert_vocabulary_embedded.h"
#include "clip_merges_embedded.h"
#include "core/mapped_file.h"

namespace alref::convert {
namespace {

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// Inflates what we compressed ourselves.
std::string inflate_embedded(const unsigned char* data, size_t size) {
  z_stream stream{};
  stream.next_in = const_cast<Bytef*>(data);
  stream.avail_in = static_cast<uInt>(size);
  constexpr int kGzip = 16 + MAX_WBITS;
  std::string out;
  int status = inflateInit2(&stream, kGzip);
  while (status == Z_OK) {
    char buffer[1 << 15];
    stream.next_out = reinterpret_cast<Bytef*>(buffer);
    stream.avail_out = sizeof buffer;
    status = inflate(&stream, Z_NO_FLUSH);
    out.append(buffer, sizeof buffer - stream.avail_out);
  }
  inflateEnd(&stream);
  return out;
}

}  // namespace

std::optional<std::vector<std::string>> read_lines(const std::filesystem::path& path) {
  constexpr size_t kMaxBytes = 16 << 20;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::nullopt;
  const MappedFile file(path, ErrorKind::kModel);
  if (file.bytes().size() > kMaxBytes) {
    throw Error(ErrorKind::kModel, path.string() + ": has " + std::to_string(file.bytes().size()) +
                                       " bytes, expected at most " + std::to_string(kMaxBytes));
  }
  return split({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()});
}

std::vector<std::string> bert_uncased_vocabulary() {
  return split({reinterpret_cast<const char*>(kBertVocabulary), sizeof kBertVocabulary});
}

std::vector<std::string> audioset_labels() {
  return split({reinterpret_cast<const char*>(kAudioSetLabels), sizeof kAudioSetLabels});
}

std::vector<std::string> clip_merges() {
  return split(inflate_embedded(kClipMerges, sizeof kClipMerges));
}

}  // namespace alref::convert
