// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace alref {

/// The classes of AVSBench-semantic in the order of its label2idx.json, which is the alphabet's.
/// Class k of its maps is kAvsClasses[k - 1]; 0 is the background.
inline constexpr std::array<std::string_view, 70> kAvsClasses = {
    "accordion",      "airplane",   "axe",       "baby",          "bassoon",    "bell",
    "bird",           "boat",       "boy",       "bus",           "car",        "cat",
    "cello",          "clarinet",   "clipper",   "clock",         "dog",        "donkey",
    "drum",           "duck",       "elephant",  "emergency-car", "erhu",       "flute",
    "frying-food",    "girl",       "goose",     "guitar",        "gun",        "guzheng",
    "hair-dryer",     "handpan",    "harmonica", "harp",          "helicopter", "hen",
    "horse",          "keyboard",   "leopard",   "lion",          "man",        "marimba",
    "missile-rocket", "motorcycle", "mower",     "parrot",        "piano",      "pig",
    "pipa",           "saw",        "saxophone", "sheep",         "sitar",      "sorna",
    "squirrel",       "tabla",      "tank",      "tiger",         "tractor",    "train",
    "trombone",       "truck",      "trumpet",   "tuba",          "ukulele",    "utv",
    "vacuum-cleaner", "violin",     "wolf",      "woman"};

/// The class of that name, from 1.
inline std::optional<int> avs_class(std::string_view name) {
  const auto found = std::ranges::find(kAvsClasses, name);
  if (found == kAvsClasses.end()) return std::nullopt;
  return static_cast<int>(found - kAvsClasses.begin()) + 1;
}

}  // namespace alref
