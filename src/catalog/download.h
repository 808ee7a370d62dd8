// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace alref::catalog {

struct DownloadOptions {
  uint64_t bytes = 0;                        ///< of the whole file; 0: not known
  std::string sha256;                        ///< empty: not known
  int tries = 5;                             ///< in a row that bring nothing new
  std::chrono::milliseconds pause{1000};     ///< after the first of them; doubles
  std::chrono::seconds stalled_after{60};    ///< without a byte, a connection is given up
  uint64_t most_bytes = uint64_t{16} << 30;  ///< a longer file is an error
  /// `total` is 0 while it is not known. May throw to stop; what came so far is kept.
  std::function<void(uint64_t done, uint64_t total)> progress;
};

/// Fetches `url` (http or https; from https never to http) into `target` with libcurl, through the
/// proxies that the usual variables name (http_proxy, https_proxy, no_proxy). What has come lies in
/// TARGET.part; a later call goes on from there if the server's file is still the same. `target`
/// appears when size and digest are right.
///
/// @throws Error  kUnavailable: the server cannot be reached, says no, or breaks off again and
///                again; what came is kept. kInput: the file has another size or digest than
///                expected; it is removed. kOutput: cannot be written.
void download(const std::string& url, const std::filesystem::path& target,
              const DownloadOptions& options);

}  // namespace alref::catalog
