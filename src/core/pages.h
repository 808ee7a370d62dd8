// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace alref {

/// Gives the whole pages within [begin, begin + bytes) of a mapped file back: they come from the
/// file when touched again.
void release_file_pages(const void* begin, size_t bytes);

/// Asks for large pages, where Linux has them and a block is as large as one: tens of thousands of
/// small ones are more than a processor remembers the places of.
void prefer_large_pages(void* begin, size_t bytes);

}  // namespace alref
