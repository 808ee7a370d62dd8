#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes src/text/unicode_tables.cc out of Python's unicodedata.

    tools/make_unicode_tables.py > src/text/unicode_tables.cc

The tokenizers must agree with Hugging Face's, which ask Python's unicodedata; the committed tables
are of the version named in their first lines (Python 3.11 has 14.0).
"""

import sys
import unicodedata

LAST = 0x110000

CLASSES = {"Mn": 1, "P": 2, "L": 3, "N": 4, "Z": 5, "C": 6}


def klass(cp):
    category = unicodedata.category(chr(cp))
    return CLASSES.get(category, CLASSES.get(category[0], 0))


def runs(value_of):
    """(first code point << 8 | value) wherever the value changes."""
    out, last = [], None
    for cp in range(LAST):
        value = value_of(cp)
        if value != last:
            out.append(cp << 8 | value)
            last = value
    return out


def lower_runs():
    """(first, last, step, delta) of code points whose lower case is one other code point, and the rest."""
    pairs, others = [], []
    for cp in range(LAST):
        low = chr(cp).lower()
        if len(low) > 1:
            others.append((cp, [ord(c) for c in low]))
        elif ord(low) != cp:
            pairs.append((cp, ord(low) - cp))
    assert others == [(0x130, [0x69, 0x307])], others  # the code spells this one out
    out = []
    for cp, delta in pairs:
        if out and out[-1][3] == delta:
            first, last, step, _ = out[-1]
            if first == last and cp - last <= 2:
                out[-1] = [first, cp, cp - last, delta]
                continue
            if first != last and cp - last == step:
                out[-1][1] = cp
                continue
        out.append([cp, cp, 1, delta])
    return [value for run in out for value in run]


def casing(cp):
    """2: skipped by the final-sigma rule of str.lower(), 1: cased, 0: neither; probed by the rule itself."""
    if 0xD800 <= cp < 0xE000:
        return 0
    if (chr(cp) + "\u03a3").lower().endswith("\u03c2"):
        return 1
    return 2 if ("A" + chr(cp) + "\u03a3").lower().endswith("\u03c2") else 0


def decompositions():
    """Index (code point, offset << 3 | length) into one list of code points; Hangul is arithmetic."""
    index, pool = [], []
    for cp in range(LAST):
        if 0xAC00 <= cp <= 0xD7A3:
            continue
        parts = [ord(c) for c in unicodedata.normalize("NFD", chr(cp))] if not 0xD800 <= cp < 0xE000 else [cp]
        if parts != [cp]:
            assert len(parts) < 8
            index += [cp, len(pool) << 3 | len(parts)]
            pool += parts
    return index, pool


def compositions():
    """(first, second, composed), sorted: the primary composites but for Hangul."""
    out = []
    for cp in range(LAST):
        mapping = unicodedata.decomposition(chr(cp)).split()
        if len(mapping) == 2 and not mapping[0].startswith("<"):
            pair = [int(part, 16) for part in mapping]
            if unicodedata.normalize("NFC", "".join(map(chr, pair))) == chr(cp):
                out.append((*pair, cp))
    return [value for triple in sorted(out) for value in triple]


def table(kind, name, values):
    print(f"const {kind} {name}[] = {{")
    line = "   "
    for value in values:
        item = f" {value:#x}," if value >= 0 else f" -{-value:#x},"
        if len(line) + len(item) > 100:
            print(line)
            line = "   "
        line += item
    print(f"{line}\n}};\nconst size_t {name}Size = {len(values)};\n")


def main():
    print(f"""// SPDX-License-Identifier: Apache-2.0
// Made by tools/make_unicode_tables.py: Unicode {unicodedata.unidata_version}, Python {sys.version.split()[0]}. Not for editing.
// clang-format off
#include "text/unicode_tables.h"

namespace alref::text::tables {{
""")
    table("uint32_t", "kClasses", runs(klass))
    table("uint32_t", "kCombiningClasses", runs(lambda cp: unicodedata.combining(chr(cp))))
    table("uint32_t", "kCasing", runs(casing))
    table("int32_t", "kLower", lower_runs())
    index, pool = decompositions()
    table("uint32_t", "kDecompositionIndex", index)
    table("uint32_t", "kDecompositions", pool)
    table("uint32_t", "kCompositions", compositions())
    print("}  // namespace alref::text::tables")


if __name__ == "__main__":
    main()
