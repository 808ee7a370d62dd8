// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/frame_source.h"  // IWYU pragma: export
