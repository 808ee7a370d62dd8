// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace alref::reasoning {

/// Where questions go, and the key that may go there and nowhere else. Made once from options or a
/// config file.
class Endpoint {
 public:
  /// `base_url`: http or https, a host, no user name; "/v1" is added where it has no path, then
  /// "/chat/completions". Throws Error(kInvalidArgument).
  Endpoint(const std::string& base_url, std::string key);

  const std::string& url() const { return url_; }
  bool has_key() const { return !key_.empty(); }
  /// `text` without the key, should a server echo it.
  std::string without_key(std::string text) const;

 private:
  friend class HttpClient;
  std::string url_;
  std::string key_;
};

struct HttpLimits {
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds timeout{120'000};
  size_t max_answer_bytes = size_t{1} << 20;
};

enum class HttpFailure {
  kNone,       ///< there is a status and a body
  kTransport,  ///< refused, reset, timed out: may be tried again
  kTooLarge,   ///< the answer went beyond the limit
  kCancelled,
};

struct HttpReply {
  HttpFailure failure = HttpFailure::kNone;
  std::string problem;  ///< in words, where `failure` is set
  long status = 0;
  std::string body;
  std::optional<std::chrono::seconds> retry_after;
};

/// Posts JSON to an endpoint (libcurl). Redirects are not followed, so that neither key nor
/// pictures go to a host that was not named; other protocols, .netrc files and cookies are off. One
/// request at a time; one client a thread.
class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  HttpReply post_json(const Endpoint& endpoint, const std::string& body, const HttpLimits& limits,
                      const std::function<bool()>& cancelled);

 private:
  void* curl_;
};

}  // namespace alref::reasoning
