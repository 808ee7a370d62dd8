// SPDX-License-Identifier: Apache-2.0
#include "catalog/download.h"

#include "alref/error.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <memory>
#include <optional>
#include <thread>

#include <curl/curl.h>

#include "core/atomic_file.h"
#include "core/log.h"
#include "core/sha256.h"

namespace alref::catalog {
namespace {

namespace fs = std::filesystem;

constexpr long kOk = 200, kPartialContent = 206, kNotSatisfiable = 416;
constexpr long kMostRedirects = 5;

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

/// What of a file has come, and the server's name for that version of it.
class Part {
 public:
  explicit Part(const fs::path& target)
      : path_(target.string() + ".part"), tag_path_(target.string() + ".part.etag") {
    std::error_code missing;
    const auto size = fs::file_size(path_, missing);
    size_ = missing ? 0 : size;
    std::ifstream(tag_path_) >> tag_;
  }

  uint64_t size() const { return size_; }
  const std::string& tag() const { return tag_; }
  const fs::path& path() const { return path_; }

  /// Begins anew or goes on; `tag` is the version that follows.
  void open(bool anew, const std::string& tag) {
    if (anew) size_ = 0;
    file_.reset(std::fopen(path_.c_str(), anew ? "wb" : "ab"));
    if (!file_) fail();
    if (tag == tag_ && !anew) return;
    tag_ = tag;
    std::ofstream(tag_path_) << tag;
  }
  bool is_open() const { return file_ != nullptr; }
  bool append(const char* data, size_t count) {
    if (std::fwrite(data, 1, count, file_.get()) != count) return false;
    size_ += count;
    return true;
  }
  void close() {
    if (file_ && std::fclose(file_.release()) != 0) fail();
  }
  void remove() {
    file_.reset();
    std::error_code ignored;
    fs::remove(path_, ignored);
    fs::remove(tag_path_, ignored);
    size_ = 0;
  }
  void rename_to(const fs::path& target) {
    std::error_code error;
    fs::rename(path_, target, error);
    if (error) throw Error(ErrorKind::kOutput, target.string() + ": " + error.message());
    fs::remove(tag_path_, error);
  }
  [[noreturn]] void fail() const {
    throw Error(ErrorKind::kOutput,
                path_.string() + ": cannot be written: " + std::strerror(errno));
  }

 private:
  fs::path path_, tag_path_;
  uint64_t size_ = 0;
  std::string tag_;
  File file_{nullptr, &std::fclose};
};

/// One request and what becomes of it.
struct Transfer {
  CURL* curl = nullptr;
  Part* part = nullptr;
  const DownloadOptions* options = nullptr;
  std::string tag;    ///< of the answer that is coming
  std::string range;  ///< its Content-Range
  uint64_t total = 0;
  bool too_long = false;
  std::exception_ptr stopped;
};

std::optional<std::string> header_value(std::string_view line, std::string_view name) {
  const bool matches = line.size() > name.size() && line[name.size()] == ':' &&
                       std::equal(name.begin(), name.end(), line.begin(), [](char a, char b) {
                         return a == (b >= 'A' && b <= 'Z' ? b + 32 : b);
                       });
  if (!matches) return std::nullopt;
  line.remove_prefix(name.size() + 1);
  while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
  while (!line.empty() && std::strchr("\r\n ", line.back())) line.remove_suffix(1);
  return std::string(line);
}

size_t on_header(char* data, size_t, size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view line(data, size);
  if (line.starts_with("HTTP/")) transfer.tag.clear(), transfer.range.clear();  // a redirect's end
  if (auto tag = header_value(line, "etag")) transfer.tag = *std::move(tag);
  if (auto range = header_value(line, "content-range")) transfer.range = *std::move(range);
  return size;
}

/// Opens the file when it is clear what follows: the rest, or the whole from its beginning.
void begin_body(Transfer& transfer, long status) {
  Part& part = *transfer.part;
  const bool goes_on = status == kPartialContent &&
                       transfer.range.starts_with("bytes " + std::to_string(part.size()) + "-");
  if (status == kPartialContent && !goes_on) {
    throw Error(ErrorKind::kUnavailable, "the server sent another part than was asked for");
  }
  part.open(!goes_on, transfer.tag);
  curl_off_t length = -1;
  curl_easy_getinfo(transfer.curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  transfer.total =
      length < 0 ? transfer.options->bytes : part.size() + static_cast<uint64_t>(length);
}

size_t on_body(char* data, size_t, size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  try {
    long status = 0;
    curl_easy_getinfo(transfer.curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != kOk && status != kPartialContent) return size;  // an error's text
    if (!transfer.part->is_open()) begin_body(transfer, status);
    const DownloadOptions& o = *transfer.options;
    const uint64_t most = o.bytes ? o.bytes : o.most_bytes;
    if (transfer.part->size() + size > most || transfer.total > most) {
      transfer.too_long = true;
      return 0;
    }
    if (!transfer.part->append(data, size)) transfer.part->fail();
    if (o.progress) o.progress(transfer.part->size(), transfer.total);
    return size;
  } catch (...) {
    transfer.stopped = std::current_exception();
    return 0;
  }
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& transfer = *static_cast<Transfer*>(user);
  try {  // also called while nothing comes, so that an interrupt is heard
    if (transfer.options->progress)
      transfer.options->progress(transfer.part->size(), transfer.total);
    return 0;
  } catch (...) {
    transfer.stopped = std::current_exception();
    return 1;
  }
}

struct Outcome {
  bool complete = false;
  bool hopeless = false;  ///< another try would meet the same
  std::string problem;
};

class Downloader {
 public:
  Downloader(const std::string& url, const DownloadOptions& options)
      : url_(url), options_(options), curl_(make_curl(), &curl_easy_cleanup) {}

  Outcome try_once(Part& part) {
    Transfer transfer{.curl = curl_.get(), .part = &part, .options = &options_};
    std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(nullptr,
                                                                        &curl_slist_free_all);
    std::array<char, CURL_ERROR_SIZE> reason{};
    set_up(transfer, reason.data());
    if (part.size() > 0) {
      const std::string from = std::to_string(part.size()) + "-";
      curl_easy_setopt(curl_.get(), CURLOPT_RANGE, from.c_str());
      // A changed file is sent whole again.
      if (!part.tag().empty())
        headers.reset(curl_slist_append(nullptr, ("If-Range: " + part.tag()).c_str()));
    }
    curl_easy_setopt(curl_.get(), CURLOPT_HTTPHEADER, headers.get());
    const CURLcode code = curl_easy_perform(curl_.get());
    part.close();
    if (transfer.stopped) std::rethrow_exception(transfer.stopped);
    return judge(transfer, code, reason.data());
  }

 private:
  static CURL* make_curl() {
    static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    CURL* curl = ready == CURLE_OK ? curl_easy_init() : nullptr;
    if (!curl) throw Error(ErrorKind::kUnavailable, "libcurl: cannot be initialised");
    return curl;
  }

  void set_up(Transfer& transfer, char* reason) {
    CURL* curl = curl_.get();
    curl_easy_reset(curl);
    const char* protocols = url_.starts_with("https:") ? "https" : "http,https";
    curl_easy_setopt(curl, CURLOPT_URL, url_.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, protocols);
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, protocols);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, kMostRedirects);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "alref");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 30L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME,
                     static_cast<long>(options_.stalled_after.count()));
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
  }

  Outcome judge(const Transfer& transfer, CURLcode code, const char* reason) const {
    long status = 0;
    curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
    if (transfer.too_long) {
      transfer.part->remove();
      throw Error(ErrorKind::kInput,
                  url_ + ": the file is longer than " +
                      std::to_string(options_.bytes ? options_.bytes : options_.most_bytes) +
                      " bytes");
    }
    // All of it had come before.
    if (status == kNotSatisfiable && options_.bytes && transfer.part->size() == options_.bytes)
      return {.complete = true};
    if (status == kNotSatisfiable) {
      transfer.part->remove();
      return {.problem = "what came before does not belong to the server's file"};
    }
    if (status >= 400) {
      const bool passing = status == 408 || status == 429 || status >= 500;
      return {.hopeless = !passing, .problem = "the server answers " + std::to_string(status)};
    }
    if (code == CURLE_OK) {
      if (!fs::exists(transfer.part->path())) transfer.part->open(true, ""), transfer.part->close();
      return {.complete = true};
    }
    const bool hopeless = code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT ||
                          code == CURLE_TOO_MANY_REDIRECTS ||
                          code == CURLE_PEER_FAILED_VERIFICATION;
    return {.hopeless = hopeless, .problem = *reason ? reason : curl_easy_strerror(code)};
  }

  std::string url_;
  const DownloadOptions& options_;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl_;
};

std::string digest_of(const fs::path& path) {
  const File file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (!file) throw Error(ErrorKind::kInput, path.string() + ": " + std::strerror(errno));
  Sha256 sha;
  std::array<uint8_t, 1 << 16> block{};
  while (const size_t count = std::fread(block.data(), 1, block.size(), file.get()))
    sha.update(std::span<const uint8_t>(block.data(), count));
  return sha.hex_digest();
}

void check(const std::string& url, Part& part, const DownloadOptions& options) {
  std::string wrong;
  if (options.bytes && part.size() != options.bytes) {
    wrong =
        "has " + std::to_string(part.size()) + " bytes, expected " + std::to_string(options.bytes);
  } else if (!options.sha256.empty()) {
    const std::string got = digest_of(part.path());
    if (got != options.sha256) wrong = "has SHA-256 " + got + ", expected " + options.sha256;
  }
  if (wrong.empty()) return;
  part.remove();
  throw Error(ErrorKind::kInput, url + ": the file " + wrong);
}

}  // namespace

void download(const std::string& url, const fs::path& target, const DownloadOptions& options) {
  create_folders(target.has_parent_path() ? target.parent_path() : ".");
  Part part(target);
  Downloader downloader(url, options);
  auto pause = options.pause;
  for (int failed = 0;;) {
    const uint64_t before = part.size();
    const Outcome outcome = downloader.try_once(part);
    if (outcome.complete) break;
    failed = part.size() > before ? 1 : failed + 1;
    if (failed == 1) pause = options.pause;
    if (outcome.hopeless || failed >= options.tries) {
      throw Error(ErrorKind::kUnavailable,
                  url + ": " + outcome.problem +
                      (part.size() ? "; " + std::to_string(part.size()) + " bytes are kept" : ""));
    }
    log(LogLevel::kInfo,
        url + ": " + outcome.problem + "; going on from byte " + std::to_string(part.size()));
    std::this_thread::sleep_for(pause);
    pause *= 2;
  }
  check(url, part, options);
  part.rename_to(target);
}

}  // namespace alref::catalog
