// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace alref::catalog {

/// One file of a publisher.
struct PublishedFile {
  std::string name;
  std::string url;
  uint64_t bytes = 0;  ///< 0: not known
  std::string sha256;  ///< 64 lower-case hexadecimal digits; empty: not known
};

/// An official checkpoint that `alref convert` reads.
struct PublishedModel {
  std::string name;     ///< under which it is installed
  std::string network;  ///< what it is, for people
  std::string licence;  ///< SPDX identifier
  std::string page;     ///< where its publisher presents it
  /// The checkpoint first, then what must lie beside it. Empty: the publisher's address leads to a
  /// page for people, not to a file.
  std::vector<PublishedFile> files;
};

/// All models that can be had, in the order in which they are listed.
std::span<const PublishedModel> published_models();

/// Throws Error(kInvalidArgument) with the names that there are.
const PublishedModel& find_published(std::string_view name);

}  // namespace alref::catalog
