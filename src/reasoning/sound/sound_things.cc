// SPDX-License-Identifier: Apache-2.0
#include "reasoning/sound/sound_things.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace alref::reasoning {
namespace {

struct Thing {
  std::string_view name;
  std::string_view sounds;  ///< AudioSet's names, with bars between
};

// Where a class of AVSBench fits, its name stands for the thing.
constexpr std::array kThings = {
    Thing{"person",
          "Speech|Conversation|Narration, monologue|Babbling|Shout|Bellow|Whoop|Yell|"
          "Screaming|Whispering|Laughter|Giggle|Snicker|Belly laugh|Chuckle, chortle|"
          "Crying, sobbing|Wail, moan|Sigh|Singing|Choir|Yodeling|Chant|Mantra|Rapping|"
          "Humming|Groan|Grunt|Whistling|Breathing|Wheeze|Snoring|Gasp|Cough|"
          "Throat clearing|Sneeze|Sniff|Run|Shuffle|Walk, footsteps|Chewing, mastication|"
          "Biting|Gargling|Burping, eructation|Hiccup|Hands|Finger snapping|Clapping|"
          "Cheering|Applause|Chatter|Crowd|Hubbub, speech noise, speech babble|"
          "Battle cry|Beatboxing|Vocal music|A capella|Opera"},
    Thing{"man", "Male speech, man speaking|Male singing"},
    Thing{"woman", "Female speech, woman speaking|Female singing"},
    Thing{"child", "Child speech, kid speaking|Children shouting|Children playing|Child singing"},
    Thing{"baby", "Baby laughter|Baby cry, infant cry"},
    Thing{"dog", "Dog|Bark|Yip|Bow-wow|Growling|Whimper (dog)|Whimper|Pant"},
    Thing{"wolf", "Howl|Canidae, dogs, wolves"},
    Thing{"cat", "Cat|Purr|Meow|Hiss|Caterwaul"},
    Thing{"horse", "Horse|Clip-clop|Neigh, whinny|Snort"},
    Thing{"cow", "Cattle, bovinae|Moo|Cowbell"},
    Thing{"pig", "Pig|Oink"},
    Thing{"goat", "Goat"},
    Thing{"sheep", "Sheep|Bleat"},
    Thing{"hen", "Fowl|Chicken, rooster|Cluck|Crowing, cock-a-doodle-doo"},
    Thing{"turkey", "Turkey|Gobble"},
    Thing{"duck", "Duck|Quack"},
    Thing{"goose", "Goose|Honk"},
    Thing{"lion", "Roaring cats (lions, tigers)|Roar"},
    Thing{"bird",
          "Bird|Bird vocalization, bird call, bird song|Chirp, tweet|Squawk|"
          "Bird flight, flapping wings|Flap"},
    Thing{"pigeon", "Pigeon, dove|Coo"},
    Thing{"crow", "Crow|Caw"},
    Thing{"owl", "Owl|Hoot"},
    Thing{"mouse", "Rodents, rats, mice|Mouse|Patter"},
    Thing{"insect", "Insect|Mosquito|Fly, housefly"},
    Thing{"grasshopper", "Cricket"},
    Thing{"bee", "Bee, wasp, etc.|Buzz"},
    Thing{"frog", "Frog|Croak"},
    Thing{"snake", "Snake|Rattle"},
    Thing{"whale", "Whale vocalization"},
    Thing{"guitar",
          "Guitar|Electric guitar|Bass guitar|Acoustic guitar|Steel guitar, slide guitar|"
          "Tapping (guitar technique)|Strum|Plucked string instrument|Flamenco"},
    Thing{"banjo", "Banjo"},
    Thing{"sitar", "Sitar"},
    Thing{"mandolin", "Mandolin"},
    Thing{"guzheng", "Zither"},
    Thing{"ukulele", "Ukulele"},
    Thing{"piano", "Keyboard (musical)|Piano|Electric piano|Harpsichord|Synthesizer"},
    Thing{"organ", "Organ|Electronic organ|Hammond organ"},
    Thing{"drum", "Drum|Snare drum|Rimshot|Drum roll|Bass drum|Timpani|Percussion"},
    Thing{"drum kit", "Drum kit|Cymbal|Hi-hat"},
    Thing{"tabla", "Tabla|Carnatic music"},
    Thing{"tambourine", "Tambourine"},
    Thing{"maraca", "Rattle (instrument)|Maraca"},
    Thing{"gong", "Gong"},
    Thing{"marimba", "Mallet percussion|Marimba, xylophone|Glockenspiel|Vibraphone"},
    Thing{"steelpan", "Steelpan"},
    Thing{"french horn", "French horn"},
    Thing{"trumpet", "Trumpet|Brass instrument"},
    Thing{"trombone", "Trombone"},
    Thing{"violin", "Violin, fiddle|Bowed string instrument|String section|Pizzicato"},
    Thing{"cello", "Cello"},
    Thing{"double bass", "Double bass"},
    Thing{"flute", "Flute|Wind instrument, woodwind instrument"},
    Thing{"saxophone", "Saxophone"},
    Thing{"clarinet", "Clarinet"},
    Thing{"harp", "Harp"},
    Thing{"bell", "Bell|Church bell|Jingle bell|Change ringing (campanology)|Ding|Tubular bells"},
    Thing{"chime", "Chime|Wind chime"},
    Thing{"harmonica", "Harmonica"},
    Thing{"accordion", "Accordion"},
    Thing{"bagpipes", "Bagpipes"},
    Thing{"didgeridoo", "Didgeridoo"},
    Thing{"singing bowl", "Singing bowl"},
    Thing{"boat",
          "Boat, Water vehicle|Sailboat, sailing ship|Rowboat, canoe, kayak|"
          "Motorboat, speedboat"},
    Thing{"ship", "Ship|Foghorn"},
    Thing{"car",
          "Vehicle|Motor vehicle (road)|Car|Vehicle horn, car horn, honking|Toot|"
          "Car alarm|Skidding|Tire squeal|Car passing by|Race car, auto racing|"
          "Engine starting|Idling|Accelerating, revving, vroom|"
          "Traffic noise, roadway noise|Engine|Medium engine (mid frequency)"},
    Thing{"truck",
          "Truck|Air brake|Air horn, truck horn|Reversing beeps|"
          "Ice cream truck, ice cream van|Heavy engine (low frequency)"},
    Thing{"bus", "Bus"},
    Thing{"emergency-car", "Emergency vehicle|Police car (siren)|Ambulance (siren)|Siren"},
    Thing{"fire truck", "Fire engine, fire truck (siren)"},
    Thing{"motorcycle", "Motorcycle|Light engine (high frequency)"},
    Thing{"train",
          "Rail transport|Train|Train whistle|Train horn|Railroad car, train wagon|"
          "Train wheels squealing|Subway, metro, underground|Steam whistle|Clickety-clack"},
    Thing{"airplane",
          "Aircraft|Aircraft engine|Jet engine|Propeller, airscrew|"
          "Fixed-wing aircraft, airplane"},
    Thing{"helicopter", "Helicopter"},
    Thing{"bicycle", "Bicycle|Bicycle bell"},
    Thing{"skateboard", "Skateboard"},
    Thing{"mower", "Lawn mower"},
    Thing{"saw", "Chainsaw|Sawing|Power tool"},
    Thing{"door", "Door|Sliding door|Slam|Knock|Creak"},
    Thing{"doorbell", "Doorbell|Ding-dong"},
    Thing{"dishes", "Dishes, pots, and pans|Cutlery, silverware"},
    Thing{"knife", "Chopping (food)"},
    Thing{"frying-food", "Frying (food)|Sizzle"},
    Thing{"microwave oven", "Microwave oven"},
    Thing{"blender", "Blender"},
    Thing{"faucet", "Water tap, faucet|Sink (filling or washing)"},
    Thing{"bathtub", "Bathtub (filling or washing)"},
    Thing{"hair-dryer", "Hair dryer"},
    Thing{"toilet", "Toilet flush"},
    Thing{"toothbrush", "Toothbrush|Electric toothbrush"},
    Thing{"vacuum-cleaner", "Vacuum cleaner"},
    Thing{"keys", "Keys jangling"},
    Thing{"coin", "Coin (dropping)"},
    Thing{"scissors", "Scissors"},
    Thing{"clipper", "Electric shaver, electric razor"},
    Thing{"cards", "Shuffling cards"},
    Thing{"keyboard", "Typing|Computer keyboard"},
    Thing{"typewriter", "Typewriter"},
    Thing{"telephone", "Telephone|Telephone bell ringing|Ringtone|Telephone dialing, DTMF"},
    Thing{"clock", "Alarm clock|Clock|Tick|Tick-tock"},
    Thing{"whistle", "Whistle"},
    Thing{"sewing machine", "Sewing machine"},
    Thing{"fan", "Mechanical fan"},
    Thing{"air conditioner", "Air conditioning"},
    Thing{"printer", "Printer"},
    Thing{"camera", "Camera|Single-lens reflex camera"},
    Thing{"hammer", "Hammer"},
    Thing{"jackhammer", "Jackhammer"},
    Thing{"drill", "Drill|Dental drill, dentist's drill"},
    Thing{"gun", "Gunshot, gunfire|Machine gun|Fusillade|Cap gun"},
    Thing{"tank", "Artillery fire"},
    Thing{"fireworks", "Fireworks|Firecracker"},
    Thing{"axe", "Chop|Wood"},
    Thing{"glass", "Glass|Chink, clink|Shatter"},
    Thing{"waterfall", "Waterfall"},
    Thing{"ball", "Basketball bounce|Bouncing"},
    Thing{"arrow", "Arrow"},
    Thing{"whip", "Whip"},
    Thing{"fire", "Fire|Crackle"},
    Thing{"television", "Television"},
    Thing{"radio", "Radio"},
};

/// Sounds that many things make, or that nothing visible makes.
constexpr std::string_view kNoThing =
    "Animal|Domestic animals, pets|Livestock, farm animals, working animals|Wild animals|"
    "Speech synthesizer|Synthetic singing|Stomach rumble|Fart|Heart sounds, heartbeat|"
    "Heart murmur|Music|Musical instrument|Sampler|Drum machine|Wood block|Orchestra|"
    "Tuning fork|Shofar|Theremin|Scratching (performance technique)|Wind|Rustling leaves|"
    "Wind noise (microphone)|Thunderstorm|Thunder|Water|Rain|Raindrop|Rain on surface|Stream|"
    "Ocean|Waves, surf|Steam|Gurgling|Power windows, electric windows|Engine knocking|Tap|"
    "Squeak|Cupboard open or close|Drawer open or close|Zipper (clothing)|Writing|Alarm|"
    "Dial tone|Busy signal|Civil defense siren|Buzzer|Smoke detector, smoke alarm|Fire alarm|"
    "Mechanisms|Ratchet, pawl|Gears|Pulleys|Cash register|Tools|Filing (rasp)|Sanding|"
    "Explosion|Burst, pop|Eruption|Boom|Splinter|Crack|Liquid|Splash, splatter|Slosh|Squish|"
    "Drip|Pour|Trickle, dribble|Gush|Fill (with liquid)|Spray|Pump (liquid)|Stir|Boiling|Sonar|"
    "Whoosh, swoosh, swish|Thump, thud|Thunk|Electronic tuner|Effects unit|Chorus effect|Bang|"
    "Slap, smack|Whack, thwack|Smash, crash|Breaking|Scratch|Scrape|Rub|Roll|Crushing|"
    "Crumpling, crinkling|Tearing|Beep, bleep|Ping|Clang|Squeal|Rustle|Whir|Clatter|Clicking|"
    "Rumble|Plop|Jingle, tinkle|Hum|Zing|Boing|Crunch|Silence|Sine wave|Harmonic|Chirp tone|"
    "Sound effect|Pulse|Reverberation|Echo|Noise|Environmental noise|Static|Mains hum|"
    "Distortion|Sidetone|Cacophony|White noise|Pink noise|Throbbing|Vibration|Field recording|"
    "Lullaby|Song|Hip hop music|Rock music|Heavy metal|Punk rock|Grunge|Progressive rock|"
    "Rock and roll|Psychedelic rock|Rhythm and blues|Reggae|Country|Bluegrass|Funk|Jazz|Disco|"
    "Techno|Dubstep|Drum and bass|Electronica|Blues|Music for children|Music of Latin America|"
    "Music of Africa|Afrobeat|Music of Asia|Music of Bollywood|Ska|Jingle (music)";

/// Particular things that a detector may know better than the wide name; few, because each costs a
/// look at every frame.
struct Alternatives {
  std::string_view name;
  std::array<std::string_view, 3> others;
};
constexpr std::array kAlternatives = {Alternatives{"bird", {"seagull", "penguin", "heron"}},
                                      Alternatives{"lion", {"tiger", "leopard", {}}}};

bool holds(std::string_view list, std::string_view name) {
  for (size_t at = list.find(name); at != std::string_view::npos; at = list.find(name, at + 1)) {
    const size_t end = at + name.size();
    if ((at == 0 || list[at - 1] == '|') && (end == list.size() || list[end] == '|')) return true;
  }
  return false;
}

}  // namespace

std::string visible_thing(std::string_view sound) {
  if (sound.empty() || holds(kNoThing, sound) || sound.ends_with(" music") ||
      sound.starts_with("Inside,") || sound.starts_with("Outside,")) {
    return {};
  }
  const auto thing =
      std::ranges::find_if(kThings, [&](const Thing& t) { return holds(t.sounds, sound); });
  if (thing != kThings.end()) return std::string(thing->name);
  std::string name(sound.substr(0, sound.find_first_of(",;(")));
  while (name.ends_with(' ')) name.pop_back();
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

std::vector<std::string> narrower_things(std::string_view thing) {
  std::vector<std::string> names;
  const auto found = std::ranges::find(kAlternatives, thing, &Alternatives::name);
  if (found == kAlternatives.end()) return names;
  for (const std::string_view other : found->others) {
    if (!other.empty()) names.emplace_back(other);
  }
  return names;
}

}  // namespace alref::reasoning
