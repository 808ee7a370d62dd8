// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/video_segmenter.h"  // IWYU pragma: export
