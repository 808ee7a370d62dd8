// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace alref::compute {

/// What planning and running all graphs of this program has taken so far.
double run_seconds();

}  // namespace alref::compute
