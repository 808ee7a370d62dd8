// SPDX-License-Identifier: Apache-2.0
#include "reasoning/chat/http_client.h"

#include "alref/error.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <memory>

#include <curl/curl.h>

namespace alref::reasoning {
namespace {

constexpr std::string_view kPath = "/chat/completions";

/// Part of a URL; empty where there is none.
std::string url_part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  std::string result(text);
  curl_free(text);
  return result;
}

struct Transfer {
  std::string body;
  size_t limit = 0;
  bool too_large = false;
  std::optional<std::chrono::seconds> retry_after;
  const std::function<bool()>* cancelled = nullptr;
};

size_t on_body(char* data, size_t, size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (transfer.body.size() + size > transfer.limit) {
    transfer.too_large = true;
    return 0;
  }
  transfer.body.append(data, size);
  return size;
}

/// Seconds, or a date (RFC 9110, section 10.2.3).
std::optional<std::chrono::seconds> parse_retry_after(std::string_view value) {
  while (value.starts_with(' ')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == '\r' || value.back() == '\n' || value.back() == ' '))
    value.remove_suffix(1);
  long seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error == std::errc() && end == value.data() + value.size())
    return std::chrono::seconds(std::max(0L, seconds));
  const time_t date = curl_getdate(std::string(value).c_str(), nullptr);
  if (date < 0) return std::nullopt;
  return std::chrono::seconds(std::max<time_t>(0, date - std::time(nullptr)));
}

size_t on_header(char* data, size_t, size_t size, void* user) {
  constexpr std::string_view kName = "retry-after:";
  const std::string_view line(data, size);
  const bool matches = line.size() > kName.size() &&
                       std::equal(kName.begin(), kName.end(), line.begin(), [](char a, char b) {
                         return a == (b >= 'A' && b <= 'Z' ? b + 32 : b);
                       });
  if (matches)
    static_cast<Transfer*>(user)->retry_after = parse_retry_after(line.substr(kName.size()));
  return size;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& cancelled = *static_cast<Transfer*>(user)->cancelled;
  return cancelled && cancelled() ? 1 : 0;
}

struct CurlLibrary {
  CurlLibrary() { curl_global_init(CURL_GLOBAL_DEFAULT); }
};

}  // namespace

Endpoint::Endpoint(const std::string& base_url, std::string key) : key_(std::move(key)) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), &curl_url_cleanup);
  const bool parsed = curl_url_set(url.get(), CURLUPART_URL, base_url.c_str(), 0) == CURLUE_OK;
  const std::string scheme = url_part(url.get(), CURLUPART_SCHEME);
  const bool plain = parsed && (scheme == "http" || scheme == "https") &&
                     !url_part(url.get(), CURLUPART_HOST).empty() &&
                     url_part(url.get(), CURLUPART_USER).empty() &&
                     url_part(url.get(), CURLUPART_PASSWORD).empty() &&
                     url_part(url.get(), CURLUPART_QUERY).empty() &&
                     url_part(url.get(), CURLUPART_FRAGMENT).empty();
  if (!plain) {
    throw Error(
        ErrorKind::kInvalidArgument,
        "chat URL: expected http(s)://HOST[:PORT][/PATH] without user name, query and fragment");
  }
  if (std::ranges::any_of(key_, [](unsigned char c) { return c <= ' ' || c >= 0x7f; })) {
    throw Error(ErrorKind::kInvalidArgument,
                "chat key: expected printable characters without blanks");
  }
  std::string path = url_part(url.get(), CURLUPART_PATH);
  while (path.ends_with('/')) path.pop_back();
  if (path.empty()) path = "/v1";
  if (!path.ends_with(kPath)) path += kPath;
  curl_url_set(url.get(), CURLUPART_PATH, path.c_str(), 0);
  url_ = url_part(url.get(), CURLUPART_URL);
}

std::string Endpoint::without_key(std::string text) const {
  if (key_.empty()) return text;
  for (size_t at = text.find(key_); at != std::string::npos; at = text.find(key_, at))
    text.replace(at, key_.size(), "***");
  return text;
}

HttpClient::HttpClient() {
  static const CurlLibrary library;
  curl_ = curl_easy_init();
  if (!curl_) throw Error(ErrorKind::kUnavailable, "libcurl: cannot be initialised");
}

HttpClient::~HttpClient() { curl_easy_cleanup(static_cast<CURL*>(curl_)); }

HttpReply HttpClient::post_json(const Endpoint& endpoint, const std::string& body,
                                const HttpLimits& limits, const std::function<bool()>& cancelled) {
  auto* curl = static_cast<CURL*>(curl_);
  curl_easy_reset(curl);
  Transfer transfer;
  transfer.limit = limits.max_answer_bytes;
  transfer.cancelled = &cancelled;
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(nullptr,
                                                                      &curl_slist_free_all);
  const auto add_header = [&](const std::string& line) {
    headers.reset(curl_slist_append(headers.release(), line.c_str()));
  };
  add_header("Content-Type: application/json");
  add_header("Accept: application/json");
  add_header("Expect:");  // no round trip before the picture
  if (!endpoint.key_.empty()) add_header("Authorization: Bearer " + endpoint.key_);

  std::array<char, CURL_ERROR_SIZE> reason{};
  curl_easy_setopt(curl, CURLOPT_URL, endpoint.url_.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(limits.connect_timeout.count()));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(limits.timeout.count()));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason.data());

  const CURLcode code = curl_easy_perform(curl);
  HttpReply reply;
  reply.retry_after = transfer.retry_after;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
  if (transfer.too_large) {
    reply.failure = HttpFailure::kTooLarge;
    reply.problem =
        "the answer is larger than " + std::to_string(limits.max_answer_bytes) + " bytes";
  } else if (code == CURLE_ABORTED_BY_CALLBACK) {
    reply.failure = HttpFailure::kCancelled;
    reply.problem = "interrupted";
  } else if (code != CURLE_OK) {
    reply.failure = HttpFailure::kTransport;
    reply.problem = reason[0] != '\0' ? reason.data() : curl_easy_strerror(code);
  }
  reply.body = std::move(transfer.body);
  return reply;
}

}  // namespace alref::reasoning
