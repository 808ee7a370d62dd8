// SPDX-License-Identifier: Apache-2.0
#include "core/atomic_file.h"

#include "alref/error.h"

#include <csignal>
#include <filesystem>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "media/media_testing.h"

namespace alref {
namespace {

namespace fs = std::filesystem;
using testing::bytes_of;
using ::testing::HasSubstr;
using testing::TempDir;

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kOutput);
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST(AtomicFileTest, AppearsOnlyWhenCommitted) {
  const TempDir dir;
  const std::string path = dir / "new/folder/out.txt";
  AtomicFile file(path);
  file.write("half ");
  EXPECT_FALSE(fs::exists(path));
  file.write("whole");
  file.commit();
  EXPECT_EQ(bytes_of(path).size(), 10u);
  EXPECT_FALSE(fs::exists(path + ".part"));
}

TEST(AtomicFileTest, LeavesTheOldFileWhenGivenUp) {
  const TempDir dir;
  const std::string path = dir / "out.txt";
  write_file(path, "old");
  {
    AtomicFile file(path);
    file.write("new");
  }
  EXPECT_EQ(bytes_of(path), (std::vector<uint8_t>{'o', 'l', 'd'}));
  EXPECT_FALSE(fs::exists(path + ".part"));
  write_file(path, "newer", Durability::kRenamed);
  EXPECT_EQ(bytes_of(path).size(), 5u);
}

TEST(AtomicFileTest, ReplacesALeftOverAndFollowsNoLink) {
  const TempDir dir;
  write_file(dir / "victim", "mine");
  fs::create_symlink(dir / "victim", dir / "out.txt.part");
  write_file(dir / "out.txt", "text");
  EXPECT_EQ(bytes_of(dir / "victim").size(), 4u);
  EXPECT_FALSE(fs::is_symlink(dir / "out.txt"));
}

TEST(AtomicFileTest, UnwritablePlacesAreErrorsThatNameTheFile) {
  const TempDir dir;
  write_file(dir / "file", "x");
  EXPECT_THAT(error_of([&] { write_file(dir / "file/below.txt", "x"); }), HasSubstr(dir / "file"));
  EXPECT_THAT(error_of([] { write_file("/proc/alref/out.txt", "x"); }), HasSubstr("/proc/alref"));
  fs::create_directories(dir / "taken/inside");
  EXPECT_THAT(error_of([&] { write_file(dir / "taken", "x"); }),
              HasSubstr(dir / "taken: is not a regular file"));
  EXPECT_FALSE(fs::exists(dir / "taken.part"));
}

// What a user who is root would lose to a rename: /dev/null, or whatever /dev/stdout leads to.
TEST(AtomicFileTest, DevicesAndPipesStayWhatTheyAre) {
  const TempDir dir;
  const std::string pipe = dir / "pipe", link = dir / "link";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  fs::create_symlink(pipe, link);
  for (const std::string& path : {pipe, link}) {
    EXPECT_THAT(error_of([&] { write_file(path, "x"); }),
                HasSubstr(path + ": is not a regular file"));
    EXPECT_TRUE(fs::is_fifo(path));
    EXPECT_FALSE(fs::exists(path + ".part"));
  }
}

// A file-size limit breaks a write in the middle, as a full disk does.
TEST(AtomicFileTest, FullDiskLeavesNothing) {
  const TempDir dir;
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit tight = before;
  tight.rlim_cur = 100'000;
  setrlimit(RLIMIT_FSIZE, &tight);
  const std::string text(300'000, 'x');
  const std::string what = error_of([&] { write_file(dir / "big.bin", text); });
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_THAT(what, HasSubstr("big.bin: cannot be written: File too large"));
  EXPECT_TRUE(fs::is_empty(dir.path()));
}

}  // namespace
}  // namespace alref
