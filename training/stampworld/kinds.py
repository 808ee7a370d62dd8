# SPDX-License-Identifier: Apache-2.0
"""Which cut-outs of tuxpaint-stamps-default stand for which kind, and which are held out.

A cut-out is named by its path under the stamps folder without ".png".
"""

# The kinds that the detector learns; those whose stamps have a sound of their own come first.
# Every kind has its name as the noun of its referring expressions.
NAMED_KINDS: dict[str, tuple[str, ...]] = {
    "dog": ("animals/mammals/dogs/dog",),
    "horse": ("animals/mammals/equines/horse",),
    "cow": ("animals/mammals/bovines/cow", "animals/mammals/bovines/cow_white"),
    "sheep": ("animals/mammals/bovines/sheep",),
    "pig": (
        "animals/mammals/pig",
        "animals/mammals/pig_golden",
        "animals/mammals/pig_golden2",
    ),
    "duck": ("animals/birds/duck",),
    "hen": ("animals/birds/hen",),
    "frog": ("animals/amphibians/frog", "animals/amphibians/frog-1"),
    "bear": ("animals/mammals/bears/bear", "animals/mammals/bears/european-bear"),
    "tiger": ("animals/mammals/cats/tiger", "animals/mammals/cats/tiger_sumatran"),
    "lion": ("animals/mammals/cats/lion", "animals/mammals/cats/lion-2"),
    "elephant": ("animals/mammals/elephant",),
    "giraffe": ("animals/mammals/giraffe",),
    "hippopotamus": ("animals/mammals/hippopotamus",),
    "camel": ("animals/mammals/camel/camel", "animals/mammals/camel/dromedary"),
    "donkey": ("animals/mammals/equines/donkey", "animals/mammals/equines/donkey_eating"),
    "deer": ("animals/mammals/deer/deer", "animals/mammals/deer/doe"),
    "rabbit": (
        "animals/mammals/rabbit_little",
        "animals/mammals/rodents/rabbit",
        "animals/mammals/rodents/rabbit-2",
    ),
    "mouse": ("animals/mammals/rodents/mouse",),
    "squirrel": ("animals/mammals/rodents/squirrel",),
    "badger": ("animals/mammals/badger",),
    "bison": ("animals/mammals/bovines/bison",),
    "bull": ("animals/mammals/bovines/bull",),
    "chimpanzee": ("animals/mammals/apes/chimp",),
    "koala": ("animals/marsupials/koala",),
    "penguin": (
        "animals/birds/penguin",
        "animals/birds/magellanic_penguin",
        "animals/birds/little-penguin",
    ),
    "seagull": ("animals/birds/seagull", "animals/birds/silver-gull"),
    "crow": ("animals/birds/crow",),
    "toucan": ("animals/birds/tucan",),
    "turkey": ("animals/birds/turkey",),
    "vulture": ("animals/birds/vulture",),
    "heron": ("animals/birds/heron_greatblue", "animals/birds/heron_greatblue_flying"),
    "dolphin": ("animals/mammals/aquatic/dolphin",),
    "orca": ("animals/mammals/aquatic/orca",),
    "whale": ("animals/mammals/aquatic/whale",),
    "sea lion": ("animals/mammals/aquatic/sea_lion",),
    "bee": ("animals/insects/bee",),
    "grasshopper": ("animals/insects/grasshopper",),
    "cello": ("hobbies/music/string/cello",),
    "drum kit": ("hobbies/music/percussion/drumkit",),
    "saw": ("household/tools/saw",),
    "scissors": (
        "household/arttools/scissors_small_closed",
        "household/arttools/scissors_small_open",
    ),
    "toilet": ("household/toilet",),
    "fire truck": ("vehicles/emergency/firetruck",),
    "apple": ("food/fruit/apple_red", "food/fruit/apple_fuji", "food/fruit/apple_green"),
    "airplane": ("vehicles/flight/planes/747",),
    "car": ("vehicles/auto/sedan", "vehicles/auto/beetle"),
    "bus": ("vehicles/masstransit/green_korean_bus",),
    "guitar": (
        "hobbies/music/string/guitar_classical",
        "hobbies/music/string/guitar_electric",
        "hobbies/music/string/guitar2",
    ),
    "hot air balloon": ("vehicles/flight/balloon360",),
}

# Cut-outs that no training ever sees: the tracker's score on unknown shapes. None of a named kind.
HELD_OUT: frozenset[str] = frozenset(
    {
        "animals/mammals/equines/zebra",
        "animals/birds/owl",
        "animals/birds/pelican",
        "animals/birds/pink_flamingo",
        "animals/birds/ostrich",
        "animals/birds/rooster",
        "animals/fish/clownfish",
        "animals/insects/mantis",
        "animals/lizards/iguana",
        "animals/mammals/dogs/fox",
        "animals/mammals/bovines/goat",
        "animals/mammals/bovines/yak",
        "animals/mammals/rodents/beaver",
        "animals/mammals/apes/gorilla",
        "animals/mammals/deer/caribou",
        "animals/marsupials/wombat",
        "animals/marsupials/kangaroo",
        "vehicles/auto/sportscar2",
        "vehicles/ship/chineseJunk",
        "hobbies/music/string/violin",
        "hobbies/music/wind/bassoon",
        "hobbies/camera_35mm",
        "household/dishes/teapot",
        "household/tools/hammer",
        "household/tools/toolbox",
        "household/rubberduck",
        "household/kettle",
        "food/fruit/pineapple",
        "clothes/hats/sombrero",
        "plants/flowers/rose",
    }
)

# Folders whose pictures are cut-outs of things (letters, flags and signs are not).
FOLDERS = (
    "animals",
    "vehicles",
    "hobbies",
    "household",
    "food",
    "sports",
    "clothes",
    "people",
    "plants",
    "seasonal",
    "space",
    "medical",
    "military",
)

# Parts of names of drawings, mirrored twins, and pictures of several things or with a base.
SKIPPED_PARTS = ("cartoon", "_mirror", "body_parts", "walnut_shelled", "7spoke", "gnu-baby-stand")

KIND_OF_KEY: dict[str, str] = {key: kind for kind, keys in NAMED_KINDS.items() for key in keys}


def kind_of(key: str) -> str:
    """Noun for a cut-out: its named kind, otherwise the words of its file name."""
    if key in KIND_OF_KEY:
        return KIND_OF_KEY[key]
    stem = key.rsplit("/", 1)[-1].lower().replace("_", " ").replace("-", " ")
    return "".join(c for c in stem if not c.isdigit()).strip()
