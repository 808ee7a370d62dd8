# SPDX-License-Identifier: Apache-2.0
"""Which recordings of tuxpaint-stamps-default stand for which kind of sound, and its names.

A recording is named by its path under the stamps folder without ".ogg". A kind that stamp world
knows bears stamp world's noun.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of sound.

    recordings: its files.
    labels: names of AudioSet's classes: what sounds, and then how; GENERAL adds the wider ones.
        What AudioSet has no class for bears a wide one only: a bear's growl is not AudioSet's
        "Growling", which is a dog's.
    phrases: what else people call the sound, beside the kind's own name.
    category: the class of AVSBench's 70 that the thing belongs to; None if it is in none.
    """

    recordings: tuple[str, ...]
    labels: tuple[str, ...]
    phrases: tuple[str, ...]
    category: str | None = None


_M, _B, _H = "animals/mammals/", "animals/birds/", "household/"
_BIRD = "Bird vocalization, bird call, bird song"
_LIVESTOCK = "Livestock, farm animals, working animals"
_RODENTS = "Rodents, rats, mice"
_CATS = "Roaring cats (lions, tigers)"
_CATTLE = "Cattle, bovinae"
_FIRE = "Fire engine, fire truck (siren)"
_CHICKEN = "Chicken, rooster"
_BEE = "Bee, wasp, etc."
_WHALE = "Whale vocalization"
_WIND = "Wind instrument, woodwind instrument"


def _k(recordings: str, labels: tuple[str, ...], phrases: str, category: str | None = None) -> Kind:
    return Kind(tuple(recordings.split()), labels, tuple(phrases.split(", ")), category)


KINDS: dict[str, Kind] = {
    "dog": _k(_M + "dogs/dog", ("Dog", "Bark"), "dog barking, bark", "dog"),
    "fox": _k(_M + "dogs/fox", ("Canidae, dogs, wolves",), "fox barking, fox yapping", "wolf"),
    "cat": _k("seasonal/halloween/blackcat", ("Cat", "Meow"), "cat meow, cat meowing", "cat"),
    "horse": _k(_M + "equines/horse", ("Horse", "Neigh, whinny"), "horse neighing, neigh", "horse"),
    "zebra": _k(
        _M + "equines/zebra", ("Horse", "Wild animals"), "zebra calling, zebra bark", "horse"
    ),
    "donkey": _k(_M + "equines/donkey", (_LIVESTOCK,), "donkey braying, hee-haw, ass", "donkey"),
    "cow": _k(
        f"{_M}bovines/cow {_M}bovines/cow_white", (_CATTLE, "Moo"), "cow mooing, cattle, moo"
    ),
    "bull": _k(_M + "bovines/bull", (_CATTLE, "Moo"), "bull bellowing, ox"),
    "bison": _k(_M + "bovines/bison", (_CATTLE,), "bison grunting, buffalo"),
    "sheep": _k(
        f"{_M}bovines/sheep {_M}bovines/sheep_lamb {_M}bovines/ram",
        ("Sheep", "Bleat"),
        "sheep bleating, lamb, ram",
        "sheep",
    ),
    "goat": _k(
        f"{_M}bovines/goat {_M}bovines/mountaingoat",
        ("Goat", "Bleat"),
        "goat bleating, mountain goat",
    ),
    "pig": _k(
        f"{_M}pig {_M}pig_golden {_M}pig_golden2",
        ("Pig", "Oink"),
        "pig grunting, oink, piglet",
        "pig",
    ),
    "camel": _k(f"{_M}camel/camel {_M}camel/dromedary", (_LIVESTOCK,), "camel groaning, dromedary"),
    "duck": _k(f"{_B}duck {_B}drake", ("Duck", "Quack"), "duck quacking, quack, drake", "duck"),
    "goose": _k(_B + "gander", ("Goose", "Honk"), "goose honking, gander", "goose"),
    "hen": _k(_B + "hen", (_CHICKEN, "Cluck"), "hen clucking, chicken, cluck", "hen"),
    "rooster": _k(
        _B + "rooster",
        (_CHICKEN, "Crowing, cock-a-doodle-doo"),
        "rooster crowing, cock-a-doodle-doo",
        "hen",
    ),
    "turkey": _k(_B + "turkey", ("Turkey", "Gobble"), "turkey gobbling, gobble"),
    "crow": _k(_B + "crow", ("Crow", "Caw"), "crow cawing, caw, raven", "bird"),
    "owl": _k(_B + "owl", ("Owl", "Hoot"), "owl hooting, hoot", "bird"),
    "blackbird": _k(
        _B + "blackbird", (_BIRD, "Chirp, tweet"), "blackbird singing, bird song", "bird"
    ),
    "lark": _k(_B + "lark", (_BIRD, "Chirp, tweet"), "lark singing, songbird", "bird"),
    "cuckoo": _k(_B + "cuckoo", (_BIRD,), "cuckoo calling, cuckoo call", "bird"),
    "quetzal": _k(_B + "quetzal", (_BIRD, "Chirp, tweet"), "quetzal calling, quetzal call", "bird"),
    "heron": _k(
        _B + "heron_greatblue_flying", (_BIRD, "Squawk"), "heron squawking, heron call", "bird"
    ),
    "penguin": _k(_B + "penguin", (_BIRD,), "penguin calling, penguin call", "bird"),
    "seagull": _k(_B + "seagull", (_BIRD, "Squawk"), "seagull crying, gull", "bird"),
    "toucan": _k(_B + "tucan", (_BIRD, "Squawk"), "toucan calling, toucan call", "parrot"),
    "vulture": _k(_B + "vulture", (_BIRD,), "vulture calling, vulture call", "bird"),
    "frog": _k("animals/amphibians/frog", ("Frog", "Croak"), "frog croaking, croak, toad"),
    "bee": _k("animals/insects/bee", (_BEE, "Buzz"), "bee buzzing, bees, buzz"),
    "hornet": _k("animals/insects/hornet", (_BEE, "Buzz"), "hornet buzzing, wasp"),
    "mosquito": _k("animals/insects/mosquito", ("Mosquito", "Buzz"), "mosquito whining, gnat"),
    "grasshopper": _k("animals/insects/grasshopper", ("Cricket",), "grasshopper chirping, cricket"),
    "bear": _k(_M + "bears/bear", ("Wild animals",), "bear growling, bear roaring"),
    "tiger": _k(_M + "cats/tiger", (_CATS,), "tiger growling, tiger roaring", "tiger"),
    "lion": _k(_M + "cats/lion", (_CATS, "Roar"), "lion roaring, lion roar", "lion"),
    "elephant": _k(_M + "elephant", ("Wild animals",), "elephant trumpeting", "elephant"),
    "hippopotamus": _k(_M + "hippopotamus", ("Wild animals",), "hippopotamus grunting, hippo"),
    "deer": _k(
        f"{_M}deer/deer {_M}deer/doe {_M}deer/caribou",
        ("Wild animals",),
        "deer bellowing, stag, doe, caribou",
    ),
    "chimpanzee": _k(_M + "apes/chimp", ("Wild animals",), "chimpanzee hooting, chimp, monkey"),
    "gorilla": _k(_M + "apes/gorilla", ("Wild animals",), "gorilla grunting, ape"),
    "badger": _k(_M + "badger", ("Wild animals",), "badger calling, beaver, badger call"),
    "koala": _k("animals/marsupials/koala", ("Wild animals",), "koala grunting, koala bear"),
    "ferret": _k(_M + "ferret", (_RODENTS, "Squeak"), "ferret squeaking, weasel"),
    "mouse": _k(_M + "rodents/mouse", (_RODENTS, "Mouse"), "mouse squeaking, mice"),
    "rabbit": _k(
        _M + "rodents/rabbit", ("Wild animals", "Squeal"), "rabbit squealing, bunny, hare"
    ),
    "squirrel": _k(
        _M + "rodents/squirrel", (_RODENTS, "Squeak"), "squirrel chirping, chipmunk", "squirrel"
    ),
    "dolphin": _k(_M + "aquatic/dolphin", (_WHALE, "Clicking"), "dolphin clicking, porpoise"),
    "orca": _k(_M + "aquatic/orca", (_WHALE, "Squeal"), "orca calling, killer whale"),
    "whale": _k(_M + "aquatic/whale", (_WHALE,), "whale singing, whale song"),
    "sea lion": _k(_M + "aquatic/sea_lion", ("Wild animals",), "sea lion barking, seal"),
    "cello": _k(
        "hobbies/music/string/cello",
        ("Cello", "Bowed string instrument"),
        "cello playing, playing cello",
        "cello",
    ),
    "violin": _k(
        "hobbies/music/string/violin",
        ("Violin, fiddle", "Bowed string instrument"),
        "violin playing, playing violin, fiddle",
        "violin",
    ),
    "bassoon": _k(
        "hobbies/music/wind/bassoon", (_WIND,), "bassoon playing, playing bassoon", "bassoon"
    ),
    "drum kit": _k(
        "hobbies/music/percussion/drumkit",
        ("Drum kit", "Drum"),
        "drums playing, playing drums",
        "drum",
    ),
    "drum": _k(
        "hobbies/music/percussion/drum_tomtom_floor", ("Drum",), "drum beating, tom-tom", "drum"
    ),
    "cymbal": _k(
        "hobbies/music/percussion/cymbal_crash", ("Cymbal",), "cymbal crash, cymbal crashing"
    ),
    "bugle": _k(
        "military/final-roll-call",
        ("Trumpet", "Brass instrument"),
        "bugle call, horn playing",
        "trumpet",
    ),
    "fire truck": _k(
        "vehicles/emergency/firetruck",
        (_FIRE, "Siren"),
        "fire truck siren, siren, fire engine, ambulance siren",
        "emergency-car",
    ),
    "saw": _k(_H + "tools/saw", ("Sawing", "Tools"), "saw cutting, sawing wood", "saw"),
    "hammer": _k(
        f"{_H}tools/hammer {_H}tools/mallet_metal", ("Hammer", "Tools"), "hammering, mallet"
    ),
    "scissors": _k(
        f"{_H}arttools/scissors_small_closed {_H}arttools/scissors_small_open",
        ("Scissors",),
        "scissors cutting, scissors snipping",
    ),
    "toilet": _k(_H + "toilet", ("Toilet flush",), "toilet flushing, toilet flush"),
    "kettle": _k(_H + "kettle", ("Boiling", "Steam"), "kettle boiling, tea kettle"),
    "vacuum cleaner": _k(
        _H + "vacuum_cleaner",
        ("Vacuum cleaner",),
        "vacuum cleaner humming, vacuum",
        "vacuum-cleaner",
    ),
    "washing machine": _k(
        _H + "Washing-machine", ("Mechanisms", "Whir"), "washing machine running, washer"
    ),
    "glass": _k(_H + "dishes/glass", ("Glass", "Chink, clink"), "glass clinking, clink"),
    "rubber duck": _k(_H + "rubberduck", ("Squeak",), "rubber duck squeaking, squeaky toy"),
    "camera": _k("hobbies/camera_35mm", ("Camera",), "camera clicking, shutter"),
    "apple": _k("food/fruit/apple_red", ("Crunch",), "apple crunching, biting an apple"),
    "fireworks": _k(
        "seasonal/newyears/fireworks", ("Fireworks",), "fireworks exploding, firecracker"
    ),
    "thunder": _k(
        "naturalforces/lightningbolt", ("Thunder", "Thunderstorm"), "thunder rumbling, lightning"
    ),
}

# A wider class of AudioSet -> the classes that imply it.
GENERAL: dict[str, tuple[str, ...]] = {
    "Animal": (
        "Dog", "Canidae, dogs, wolves", "Cat", "Horse", _LIVESTOCK, _CATTLE, "Sheep", "Goat", "Pig",
        "Duck", "Goose", _CHICKEN, "Turkey", "Crow", "Owl", _BIRD, "Frog", _BEE, "Mosquito",
        "Cricket", "Wild animals", _CATS, _RODENTS, _WHALE,
    ),
    "Domestic animals, pets": ("Dog", "Cat"),
    _LIVESTOCK: ("Horse", _CATTLE, "Sheep", "Goat", "Pig", "Duck", "Goose", _CHICKEN, "Turkey"),
    "Fowl": ("Duck", "Goose", _CHICKEN, "Turkey"),
    "Bird": ("Crow", "Owl", _BIRD),
    "Wild animals": (_CATS, "Crow", "Owl", "Frog", _BIRD),
    "Insect": (_BEE, "Mosquito", "Cricket"),
    "Music": ("Cello", "Violin, fiddle", _WIND, "Drum", "Cymbal", "Trumpet"),
    "Musical instrument": ("Cello", "Violin, fiddle", _WIND, "Drum", "Cymbal", "Trumpet"),
    "Percussion": ("Drum", "Cymbal"),
    "Emergency vehicle": (_FIRE,),
    "Vehicle": (_FIRE,),
    "Tools": ("Sawing", "Hammer"),
}  # fmt: skip

SPEECH = "Speech"
SILENCE = "Silence"

# The 70 classes of AVSBench-semantic in the order of its label2idx.json, after the background.
AVSBENCH: tuple[str, ...] = tuple(
    """accordion airplane axe baby bassoon bell bird boat boy bus car cat cello clarinet clipper
    clock dog donkey drum duck elephant emergency-car erhu flute frying-food girl goose guitar
    gun guzheng hair-dryer handpan harmonica harp helicopter hen horse keyboard leopard lion man
    marimba missile-rocket motorcycle mower parrot piano pig pipa saw saxophone sheep sitar
    sorna squirrel tabla tank tiger tractor train trombone truck trumpet tuba ukulele utv
    vacuum-cleaner violin wolf woman""".split()
)


def audioset_targets(kind: str) -> dict[str, float]:
    """Names of AudioSet's classes -> how sure a tagger should be of them.

    What sounds comes before how, and both before wider classes, so that a list of five tags names
    three things that sound at once.
    """
    what, *how = KINDS[kind].labels
    targets = {what: 1.0, **dict.fromkeys(how, 0.6)}
    for wide, narrow in GENERAL.items():
        if any(name in KINDS[kind].labels for name in narrow):
            targets.setdefault(wide, 0.15)
    return targets
