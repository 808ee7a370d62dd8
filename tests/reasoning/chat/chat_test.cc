// SPDX-License-Identifier: Apache-2.0
// The chat reasoner against a server on loopback that misbehaves (fault_server.py).
#include "alref/error.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <unistd.h>

#include "core/log.h"
#include "reasoning/box_world.h"
#include "reasoning/chat/answer_cache.h"
#include "reasoning/chat/chat_message.h"
#include "reasoning/chat/chat_responder.h"
#include "reasoning/chat/language_reasoner.h"
#include "reasoning/chat/recording.h"
#include "reasoning/pivot_selector.h"
#include "testing/loopback_server.h"

namespace alref::reasoning {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kKey = "sk-very-secret-0123456789";

std::string read_all(const std::filesystem::path& path) {
  std::stringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

class ChatTest : public ::testing::Test {
 protected:
  ChatTest() {
    std::filesystem::create_directories(folder_);
    server_ = std::make_unique<alref::testing::LoopbackServer>(ALREF_FAULT_SERVER,
                                                               folder_ / "requests.log");
    options_.style.frame_model = options_.style.box_model = "fake";
    options_.first_pause = milliseconds(10);
    options_.limits.timeout = milliseconds(10'000);
    set_log_callback([this](LogLevel, std::string_view message) {
      const std::lock_guard lock(log_mutex_);
      logged_ += std::string(message) + "\n";
    });
  }
  ~ChatTest() override {
    set_log_callback({});
    std::filesystem::remove_all(folder_);
  }

  std::string url(const std::string& scenario) const {
    return "http://127.0.0.1:" + std::to_string(server_->port) + "/" + scenario;
  }
  std::unique_ptr<ChatResponder> responder(const std::string& scenario) {
    return std::make_unique<ChatResponder>(Endpoint(url(scenario), kKey), options_);
  }
  Question question(int number = 0) const {
    auto image = std::make_shared<Image>(20, 10);
    return {.stage = Stage::kPivotFrame,
            .text = "Which? " + std::to_string(number),
            .image = image,
            .video = "v",
            .subject = "the dog",
            .clip = number};
  }
  Answer ask(Responder& responder, const Question& q) {
    Answer result;
    responder.ask(std::span(&q, 1), [&](size_t, Answer answer) { result = std::move(answer); });
    return result;
  }
  Answer ask(const std::string& scenario) { return ask(*responder(scenario), question()); }
  std::string failure(const std::string& scenario) {
    try {
      return "answered: " + ask(scenario).text;
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kReasoner);
      return e.what();
    }
  }
  /// Lines of the server's log.
  std::vector<std::string> requests() const {
    std::vector<std::string> lines;
    std::ifstream file(folder_ / "requests.log");
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }

  std::filesystem::path folder_ = std::filesystem::path(::testing::TempDir()) /
                                  ("alref_chat_" + std::to_string(getpid()) + "_" +
                                   ::testing::UnitTest::GetInstance()->current_test_info()->name());
  std::unique_ptr<alref::testing::LoopbackServer> server_;
  ChatOptions options_;
  std::mutex log_mutex_;
  std::string logged_;
};

TEST_F(ChatTest, AsksAndCountsTokens) {
  options_.prompt_price = 5;
  options_.completion_price = 20;
  const Answer answer = ask("ok");
  EXPECT_EQ(answer.text, "I see. [2]");
  EXPECT_EQ(answer.model, "fake-1");
  EXPECT_EQ(answer.usage.prompt_tokens, 1000);
  EXPECT_NEAR(answer.usage.cost, (1000 * 5 + 50 * 20) / 1e6, 1e-12);
  ASSERT_EQ(requests().size(), 1u);
  EXPECT_THAT(requests()[0], HasSubstr(std::string("/ok/chat/completions Bearer ") + kKey));
}

TEST_F(ChatTest, RequestIsWhatTheProtocolWants) {
  EXPECT_EQ(ask("check").text, "[1]");
  options_.style.json_answers = true;
  EXPECT_EQ(ask("check").text, "[1]");
}

TEST_F(ChatTest, ServerErrorsAreTriedAgain) {
  const Answer answer = ask("broken");
  EXPECT_EQ(answer.text, "[2]");
  EXPECT_EQ(answer.usage.requests, 3);
}

TEST_F(ChatTest, RetryAfterIsObeyed) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(ask("busy").text, "[2]");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(1000));
  EXPECT_EQ(requests().size(), 2u);
}

TEST_F(ChatTest, RetryAfterIsBounded) {
  options_.longest_pause = milliseconds(50);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(ask("busy").text, "[2]");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(900));
}

TEST_F(ChatTest, BodiesThatAreNoAnswerAreTriedAgain) {
  for (const char* scenario : {"half", "cut", "empty"})
    EXPECT_EQ(ask(scenario).text, "[2]") << scenario;
}

TEST_F(ChatTest, GivesUpAfterSoManyTries) {
  EXPECT_THAT(failure("dead"), HasSubstr("status 503: 'down for good' (try 3 of 3)"));
  EXPECT_EQ(requests().size(), 3u);
}

TEST_F(ChatTest, SlowServersTimeOut) {
  options_.limits.timeout = milliseconds(150);
  options_.tries = 2;
  EXPECT_THAT(failure("slow"), HasSubstr("(try 2 of 2)"));
}

TEST_F(ChatTest, RefusedConnectionsAreNamed) {
  options_.tries = 2;
  ChatResponder nobody(Endpoint("http://127.0.0.1:1", ""), options_);
  try {
    ask(nobody, question());
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kReasoner);
    EXPECT_THAT(e.what(), HasSubstr("127.0.0.1:1"));
  }
}

TEST_F(ChatTest, EndlessAnswersAreCutOff) {
  EXPECT_THAT(failure("huge"), HasSubstr("larger than 1048576 bytes (try 1 of 3)"));
  EXPECT_EQ(requests().size(), 1u);
}

TEST_F(ChatTest, RedirectsAreNotFollowed) {
  EXPECT_THAT(failure("redirect"), HasSubstr("redirects"));
  for (const std::string& line : requests()) {
    EXPECT_THAT(line, Not(HasSubstr(std::to_string(server_->other_port))))
        << "the other host was asked";
  }
}

TEST_F(ChatTest, TheKeyIsNeverTold) {
  EXPECT_THAT(failure("echo"), HasSubstr("status 401: 'bad key: Bearer ***'"));
  EXPECT_EQ(ask("parrot").text, "You said Bearer *** [2]");
  ask("broken");
  EXPECT_THAT(logged_, Not(HasSubstr(kKey)));
  EXPECT_THAT(logged_, HasSubstr("asking again"));

  // Nor is it written by the cache or the recording.
  auto cached = std::make_unique<CachingResponder>(
      responder("parrot"), std::make_shared<AnswerCache>(folder_ / "answers.sqlite"));
  RecordingResponder recording(std::move(cached), folder_ / "answers.jsonl");
  ask(recording, question());
  for (const char* name : {"answers.sqlite", "answers.jsonl"}) {
    ASSERT_THAT(read_all(folder_ / name), HasSubstr("You said"));
    EXPECT_THAT(read_all(folder_ / name), Not(HasSubstr(kKey)));
  }
}

TEST_F(ChatTest, UnusableAnswersDropTheClip) {
  for (const char* scenario : {"prose", "wrong"}) {
    BoxWorld world(60, {{"dog", {200, 20, 20}, resting({60, 60}, 40)}});
    Scene scene(world, world.detector(), "v");
    LanguageReasoner reasoner("chat", responder(scenario));
    const auto selection = select_pivots(scene, reasoner, "the dog", {});
    EXPECT_TRUE(selection.fallback) << scenario;
    EXPECT_FALSE(selection.clips[0].frame) << scenario;
    EXPECT_FALSE(selection.clips[0].frame_choice->reply.empty());
  }
}

TEST_F(ChatTest, PivotsComeFromTheAnswers) {
  BoxWorld world(60, {{"dog", {200, 20, 20}, resting({60, 60}, 40)},
                      {"dog", {9, 9, 9}, resting({160, 60}, 40), 0.6f}});
  Scene scene(world, world.detector(), "v");
  LanguageReasoner reasoner("chat", responder("ok"));
  const auto selection = select_pivots(scene, reasoner, "the dog", {});
  ASSERT_EQ(selection.pivots.size(), 1u);
  EXPECT_EQ(selection.pivots[0].frame, 10);
  EXPECT_FLOAT_EQ(selection.pivots[0].detection.score, 0.6f);
  EXPECT_EQ(requests().size(), 2u);
}

TEST_F(ChatTest, ManyQuestionsInParallelAreEachAnsweredOnce) {
  options_.parallel = 4;
  std::vector<Question> questions;
  questions.reserve(20);
  for (int i = 0; i < 20; ++i) questions.push_back(question(i));
  std::vector<int> answered(20);
  responder("ok")->ask(questions, [&](size_t i, Answer) { ++answered[i]; });
  EXPECT_THAT(answered, ::testing::Each(1));
}

TEST_F(ChatTest, CallsAndCostsAreCapped) {
  options_.parallel = 1;
  options_.max_calls = 3;
  const auto capped = responder("ok");
  for (int i = 0; i < 3; ++i) ask(*capped, question(i));
  EXPECT_THROW(ask(*capped, question(3)), Error);
  EXPECT_EQ(requests().size(), 3u);

  options_.max_calls = 0;
  options_.prompt_price = 1000;  // each answer costs 1
  options_.max_cost = 1.5;
  const auto poor = responder("ok");
  ask(*poor, question(0));
  ask(*poor, question(1));
  EXPECT_THROW(ask(*poor, question(2)), Error);
}

TEST_F(ChatTest, CachedAnswersAreNotPaidTwice) {
  const auto cache = std::make_shared<AnswerCache>(folder_ / "answers.sqlite");
  std::vector<Question> questions = {question(0), question(1), question(0)};
  for (int run = 0; run < 2; ++run) {
    CachingResponder caching(responder("ok"), cache);
    for (const Question& q : questions) EXPECT_EQ(ask(caching, q).text, "I see. [2]");
  }
  EXPECT_EQ(requests().size(), 2u);

  // Another model, picture or text is another question.
  options_.style.frame_model = "other";
  CachingResponder other_model(responder("ok"), cache);
  ask(other_model, question(0));
  Question other_picture = question(0);
  auto image = std::make_shared<Image>(20, 10);
  image->pixels[7] = 1;
  other_picture.image = image;
  EXPECT_EQ(ask(other_model, other_picture).usage.cached, 0);
  EXPECT_EQ(requests().size(), 4u);
  EXPECT_EQ(ask(other_model, question(0)).usage.cached, 1);
}

TEST_F(ChatTest, AnswersAreKeptEvenIfALaterQuestionFails) {
  const auto cache = std::make_shared<AnswerCache>(folder_ / "answers.sqlite");
  options_.max_calls = 2;
  options_.parallel = 1;
  const std::vector<Question> questions = {question(0), question(1), question(2)};
  CachingResponder caching(responder("ok"), cache);
  EXPECT_THROW(caching.ask(questions, [](size_t, Answer) {}), Error);
  EXPECT_TRUE(cache->find(questions[1], caching.settings(Stage::kPivotFrame)));
}

TEST_F(ChatTest, RecordedAnswersAreReplayed) {
  const std::string file = folder_ / "answers.jsonl";
  {
    RecordingResponder recording(responder("ok"), file);
    ask(recording, question(0));
    ask(recording, question(1));
  }
  ReplayResponder replay;
  replay.add_file(file);
  EXPECT_EQ(replay.size(), 2u);
  EXPECT_EQ(ask(replay, question(1)).text, "I see. [2]");
  EXPECT_EQ(requests().size(), 2u);
  EXPECT_THROW(ask(replay, question(2)), Error);
}

TEST_F(ChatTest, CutOffRecordingsAreReadUpToTheCut) {
  const std::string file = folder_ / "answers.jsonl";
  {
    RecordingResponder recording(responder("ok"), file);
    ask(recording, question(0));
  }
  std::ofstream(file, std::ios::app) << R"({"key": "abc", "answ)";
  ReplayResponder replay;
  replay.add_file(file);
  EXPECT_EQ(ask(replay, question(0)).text, "I see. [2]");
  EXPECT_THAT(logged_, HasSubstr("cut off"));
}

TEST_F(ChatTest, EndpointsAreHttpWithAHostOnly) {
  EXPECT_EQ(Endpoint("http://localhost:8080", "").url(),
            "http://localhost:8080/v1/chat/completions");
  EXPECT_EQ(Endpoint("https://api.example.com/v1/", "").url(),
            "https://api.example.com/v1/chat/completions");
  EXPECT_EQ(Endpoint("https://example.com/a/chat/completions", "").url(),
            "https://example.com/a/chat/completions");
  for (const char* bad :
       {"", "localhost", "file:///etc/passwd", "ftp://example.com", "http://user:pw@example.com",
        "http://example.com/?x=1", "http://", "http://exa mple.com"}) {
    EXPECT_THROW(Endpoint(bad, ""), Error) << bad;
  }
  EXPECT_THROW(Endpoint("http://localhost", "two\r\nlines"), Error);
}

// 66 characters of three bytes fit into 200.
TEST(ChatErrorTextTest, IsCutBetweenCharacters) {
  std::string message, beginning;
  for (int i = 0; i < 70; ++i) message += "\u20ac";
  for (int i = 0; i < 66; ++i) beginning += "\u20ac";
  EXPECT_EQ(chat_error_text(R"({"error": {"message": ")" + message + R"("}})"), beginning);
  EXPECT_EQ(chat_error_text(message), beginning);
  EXPECT_EQ(chat_error_text(std::string(201, 'a')), std::string(200, 'a'));
  EXPECT_EQ(chat_error_text(std::string(300, '\x80')).size(), 197U);  // no UTF-8 at all
  EXPECT_EQ(chat_error_text("ab\u20ac\n"), "ab\u20ac ");
}

}  // namespace
}  // namespace alref::reasoning
