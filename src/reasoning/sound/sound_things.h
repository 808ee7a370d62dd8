// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace alref::reasoning {

/// The thing in the picture that makes a sound of this name (AudioSet's display names), in words
/// for a detector: "Bark" -> "dog", "Meow" -> "cat". Empty for names that stand for nothing that
/// could be seen ("Sad music", "Echo", "Inside, small room"). A name that is not known is taken for
/// a thing itself: "Giraffe" -> "giraffe".
std::string visible_thing(std::string_view sound);

/// Things that one of visible_thing()'s wide names may stand for: "bird" -> "seagull", ...; usually
/// none.
std::vector<std::string> narrower_things(std::string_view thing);

}  // namespace alref::reasoning
