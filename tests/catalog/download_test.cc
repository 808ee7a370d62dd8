// SPDX-License-Identifier: Apache-2.0
// Downloads from a server on loopback that misbehaves (file_server.py).
#include "catalog/download.h"

#include "alref/error.h"

#include <cstdlib>

#include <gmock/gmock.h>

#include "catalog/catalog.h"
#include "core/sha256.h"
#include "testing/loopback_server.h"
#include "testing/temporary_folder.h"

namespace alref::catalog {
namespace {

using alref::testing::read_whole;
using ::testing::HasSubstr;
using ::testing::Not;

std::string the_file() {
  std::string bytes;
  for (int64_t i = 0; i < 100'000; ++i) bytes += static_cast<char>(i * i % 251);
  return bytes;
}

class DownloadTest : public ::testing::Test {
 protected:
  DownloadTest() {
    options_.bytes = 100'000;
    options_.sha256 = sha256_hex(the_file());
    options_.pause = std::chrono::milliseconds(1);
  }

  void fetch(const std::string& scenario) {
    download("http://127.0.0.1:" + std::to_string(server_.port) + "/" + scenario + "/file.pt",
             target(), options_);
  }
  /// What the error says; fails where there is none or its kind is another.
  std::string fault(const std::string& scenario, ErrorKind kind) {
    try {
      fetch(scenario);
      ADD_FAILURE() << scenario << ": no error";
      return {};
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << scenario << ": " << error.what();
      return error.what();
    }
  }
  std::filesystem::path target() const { return folder_ / "file.pt"; }
  bool has_part() const { return std::filesystem::exists(folder_ / "file.pt.part"); }
  std::string requests() const { return read_whole(folder_ / "requests.log"); }

  alref::testing::TemporaryFolder folder_;
  alref::testing::LoopbackServer server_{ALREF_FILE_SERVER, folder_ / "requests.log"};
  DownloadOptions options_;
};

TEST_F(DownloadTest, FetchesAndLeavesNothingElse) {
  fetch("whole");
  EXPECT_EQ(read_whole(target()), the_file());
  EXPECT_FALSE(has_part());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "file.pt.part.etag"));
}

TEST_F(DownloadTest, GoesOnWhereAConnectionWasCut) {
  fetch("cut");  // 30,000 bytes a connection
  EXPECT_EQ(read_whole(target()), the_file());
  EXPECT_THAT(requests(), HasSubstr("bytes=30000-"));
  EXPECT_THAT(requests(), HasSubstr("bytes=90000-"));
}

TEST_F(DownloadTest, KeepsWhatCameForTheNextCall) {
  EXPECT_THAT(fault("dead", ErrorKind::kUnavailable), HasSubstr("30000 bytes are kept"));
  EXPECT_FALSE(std::filesystem::exists(target()));
  fetch("whole");
  EXPECT_EQ(read_whole(target()), the_file());
  EXPECT_THAT(requests(), HasSubstr("/whole/file.pt bytes=30000-"));
}

TEST_F(DownloadTest, BeginsAnewWhereTheServersFileHasChanged) {
  fetch("changed");
  EXPECT_EQ(read_whole(target()), the_file());
}

TEST_F(DownloadTest, BeginsAnewWhereTheServerKnowsNoRanges) {
  fetch("deaf");
  EXPECT_EQ(read_whole(target()), the_file());
}

TEST_F(DownloadTest, APartThatWasNotAskedForIsNotAppended) {
  fault("liar", ErrorKind::kUnavailable);
  EXPECT_FALSE(std::filesystem::exists(target()));
}

TEST_F(DownloadTest, WrongContentIsAnErrorAndRemoved) {
  EXPECT_THAT(fault("wrong", ErrorKind::kInput), HasSubstr("expected " + options_.sha256));
  EXPECT_THAT(fault("short", ErrorKind::kInput), HasSubstr("99999 bytes, expected 100000"));
  EXPECT_THAT(fault("long", ErrorKind::kInput), HasSubstr("longer than 100000"));
  EXPECT_FALSE(std::filesystem::exists(target()));
  EXPECT_FALSE(has_part());
}

TEST_F(DownloadTest, AnEndlessFileIsCutAtTheLimit) {
  options_.bytes = 0;
  options_.sha256.clear();
  options_.most_bytes = 50'000;
  fault("whole", ErrorKind::kInput);
  EXPECT_FALSE(has_part());
}

TEST_F(DownloadTest, RefusalsAreNotRepeatedButBusyServersAre) {
  EXPECT_THAT(fault("missing", ErrorKind::kUnavailable), HasSubstr("404"));
  EXPECT_THAT(requests(), Not(HasSubstr("missing/file.pt None\n" + std::to_string(server_.port))));
  fetch("busy");
  EXPECT_EQ(read_whole(target()), the_file());
}

TEST_F(DownloadTest, FollowsRedirectsButNotForEverNorToOtherProtocols) {
  fetch("moved");
  EXPECT_EQ(read_whole(target()), the_file());
  std::filesystem::remove(target());
  fault("circle", ErrorKind::kUnavailable);
  fault("page", ErrorKind::kUnavailable);
  EXPECT_FALSE(std::filesystem::exists(target()));
}

TEST_F(DownloadTest, GivesUpASilentServer) {
  options_.stalled_after = std::chrono::seconds(1);
  options_.tries = 1;
  fault("silent", ErrorKind::kUnavailable);
}

TEST_F(DownloadTest, ProgressMayStopIt) {
  options_.progress = [](uint64_t done, uint64_t) {
    if (done > 0) throw Error(ErrorKind::kInterrupted, "stop");
  };
  fault("whole", ErrorKind::kInterrupted);
  EXPECT_TRUE(has_part());
  EXPECT_FALSE(std::filesystem::exists(target()));
}

TEST_F(DownloadTest, GoesThroughTheProxyOfTheEnvironment) {
  const std::string proxy = "http://127.0.0.1:" + std::to_string(server_.other_port);
  setenv("http_proxy", proxy.c_str(), 1);
  const char* no_proxy = std::getenv("no_proxy");
  const std::string before = no_proxy ? no_proxy : "";
  setenv("no_proxy", "", 1);
  download("http://models.invalid/whole/file.pt", target(), options_);
  unsetenv("http_proxy");
  setenv("no_proxy", before.c_str(), 1);
  EXPECT_EQ(read_whole(target()), the_file());
  EXPECT_THAT(requests(),
              HasSubstr(std::to_string(server_.other_port) + " http://models.invalid/whole"));
}

TEST(CatalogTest, NamesAreDistinctAndFilesHaveSecureAddresses) {
  std::vector<std::string> names;
  for (const PublishedModel& model : published_models()) {
    names.push_back(model.name);
    EXPECT_FALSE(model.licence.empty());
    for (const PublishedFile& file : model.files) {
      EXPECT_TRUE(file.url.starts_with("https://")) << file.url;
      EXPECT_TRUE(file.url.ends_with("/" + file.name)) << file.url;
      EXPECT_TRUE(file.sha256.empty() || file.sha256.size() == 64);
      EXPECT_EQ(file.sha256.empty(), file.bytes == 0);
    }
  }
  EXPECT_EQ(find_published("sam2.1-tiny").files.at(0).name, "sam2.1_hiera_tiny.pt");
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
  EXPECT_THROW(find_published("sam9"), Error);
}

}  // namespace
}  // namespace alref::catalog
