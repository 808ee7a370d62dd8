// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/error.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "media/media_testing.h"
#include "media/video_reader.h"

namespace alref::media {

/// Arguments of ffmpeg for a moving picture in which no two frames are alike.
inline constexpr char kPicture[] = "-f lavfi -i testsrc2=size=160x96:rate=25 -frames:v 60 ";

/// Expects that opening `path` is an input error of one line that contains `words`.
inline void expect_unreadable(const std::string& path, const std::string& words,
                              const VideoOptions& options = {}) {
  try {
    open_video(path, options);
    ADD_FAILURE() << path << " was opened";
  } catch (const Error& error) {
    const std::string what = error.what();
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_THAT(what, ::testing::HasSubstr(words));
    EXPECT_EQ(what.find('\n'), std::string::npos);
  }
}

}  // namespace alref::media
