// SPDX-License-Identifier: Apache-2.0
#include "reasoning/reply_parser.h"

#include <gmock/gmock.h>

namespace alref::reasoning {
namespace {

using testing::ElementsAre;

// Expected values: what Python's `int(re.findall(r'\[(.*?)\]', reply)[-1])` gives, with the range
// applied.
TEST(ReplyParserTest, PivotFrameIsTheLastBracket) {
  EXPECT_EQ(parse_pivot_frame("The dog runs.\nBest frame: [3]", 5), 3);
  EXPECT_EQ(parse_pivot_frame("In [1] it hides, in [4] it is whole.", 5), 4);
  EXPECT_EQ(parse_pivot_frame("[ 2 ]", 5), 2);
  EXPECT_EQ(parse_pivot_frame("[+2]", 5), 2);
}

TEST(ReplyParserTest, PivotFrameThatIsNoNumberInRangeIsNoAnswer) {
  for (const char* reply :
       {"", "frame 3", "[]", "[three]", "[3, 4]", "[3] but [maybe]", "[0]", "[6]", "[-1]", "[3.0]",
        "[[3]]", "[99999999999999999999]", "[3", "[\n3]", "[**3**]", "[+-3]"}) {
    EXPECT_EQ(parse_pivot_frame(reply, 5), std::nullopt) << reply;
  }
}

TEST(ReplyParserTest, BracketsDoNotSpanLines) {
  EXPECT_EQ(parse_pivot_frame("[see\nbelow [2]", 5), 2);
}

TEST(ReplyParserTest, PivotBoxIgnoresEmphasis) {
  EXPECT_EQ(parse_pivot_box("**Result:** **[**2**]**", 3), 2);
  EXPECT_EQ(parse_pivot_box(R"(\[1\])", 3), 1);
  EXPECT_EQ(parse_pivot_box("[-1]", 3), std::nullopt);
  EXPECT_EQ(parse_pivot_box("[0]", 3), std::nullopt);
  EXPECT_EQ(parse_pivot_box("[4]", 3), std::nullopt);
}

TEST(ReplyParserTest, JsonAnswersAreTakenAtTheirWord) {
  EXPECT_EQ(parse_pivot_box(R"({"reasons": "box [1] is a cat", "choice": 2})", 3), 2);
  EXPECT_EQ(parse_pivot_frame(R"({"choice": 9, "reasons": "[2]"})", 5), std::nullopt);
  EXPECT_EQ(parse_pivot_frame(R"({"choice": "2"} [4])", 5),
            4);  // not JSON as a whole: brackets count
}

TEST(ReplyParserTest, SoundingObjectsAreNameAndFrame) {
  EXPECT_THAT(parse_sounding_objects("['dog': 3, 'woman': 1]", 5),
              ElementsAre(SoundingObject{"dog", 3}, SoundingObject{"woman", 1}));
  EXPECT_THAT(parse_sounding_objects("{\"guitar\": 6}", 10),
              ElementsAre(SoundingObject{"guitar", 6}));
}

TEST(ReplyParserTest, SoundingObjectsAreForgiving) {
  EXPECT_THAT(parse_sounding_objects("['piano, keyboard': 2]", 5),
              ElementsAre(SoundingObject{"piano", 2}));
  EXPECT_THAT(parse_sounding_objects("['dog': 7]", 5), ElementsAre(SoundingObject{"dog", 1}));
  EXPECT_THAT(parse_sounding_objects("['dog': 2, 'cat': 3, 'dog': 4]", 5),
              ElementsAre(SoundingObject{"dog", 4}, SoundingObject{"cat", 3}));
  EXPECT_TRUE(parse_sounding_objects("Note: 3 dogs. ['dog':2] ['cat': x]", 5).empty());
}

TEST(ReplyParserTest, SoundingBoxIsTheFirstNumberInTheFirstBracket) {
  EXPECT_EQ(parse_sounding_box("[2]", 3), 2);
  EXPECT_EQ(parse_sounding_box("[id 3] or [1]", 3), 3);
  EXPECT_EQ(parse_sounding_box("2", 3), 1);
  EXPECT_EQ(parse_sounding_box("[none] [2]", 3), 1);
  EXPECT_EQ(parse_sounding_box("[4]", 3), 1);
}

}  // namespace
}  // namespace alref::reasoning
