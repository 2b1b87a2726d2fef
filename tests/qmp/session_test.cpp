#include "qmp/session.hpp"

#include <gtest/gtest.h>

#include "qmp/outline.hpp"

namespace vnuma::qmp {
namespace {

using nlohmann::json;

std::string reply(std::uint64_t id, const json& value = json::object()) {
    return json{{"return", value}, {"id", id}}.dump() + "\n";
}

std::vector<Incoming> drain(Session& session) {
    std::vector<Incoming> all;
    while (auto incoming = session.next()) {
        all.push_back(std::move(*incoming));
        if (std::holds_alternative<Malformed>(all.back())) break;
    }
    return all;
}

// All that arrives with these bytes.
std::vector<Incoming> drain(Session& session, std::string_view bytes) {
    session.feed(bytes);
    return drain(session);
}

TEST(Session, QueuesRequestsInOrder) {
    Session session;
    EXPECT_EQ(session.begin("a", nullptr), 1U);
    EXPECT_EQ(session.begin("b", nullptr), 2U);
    EXPECT_EQ(session.take_outgoing(),
              "{\"execute\":\"a\",\"id\":1}\n{\"execute\":\"b\",\"id\":2}\n");
    EXPECT_FALSE(session.has_outgoing());
    EXPECT_EQ(session.in_flight(), 2U);
}

TEST(Session, AnswersComeInAnyOrder) {
    Session session;
    session.begin("a", nullptr);
    session.begin("b", nullptr);
    const auto answers = drain(session, reply(2, "b") + reply(1, "a"));
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(std::get<Answer>(answers[0]).id, 2U);
    EXPECT_EQ(std::get<json>(std::get<Answer>(answers[0]).outcome), "b");
    EXPECT_EQ(std::get<Answer>(answers[1]).id, 1U);
    EXPECT_EQ(session.in_flight(), 0U);
}

TEST(Session, ARefusalIsAnAnswer) {
    Session session;
    session.begin("a", nullptr);
    const auto answers =
        drain(session, R"({"id": 1, "error": {"class": "GenericError", "desc": "no"}})"
                       "\n");
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(std::get<Refusal>(std::get<Answer>(answers[0]).outcome).description, "no");
}

TEST(Session, RefusesRequestsAboveTheLimit) {
    Session session;
    for (std::size_t i = 0; i < max_in_flight; ++i)
        EXPECT_TRUE(session.begin("a", nullptr));
    session.take_outgoing();
    EXPECT_FALSE(session.begin("a", nullptr));
    EXPECT_FALSE(session.has_outgoing());
    EXPECT_EQ(drain(session, reply(5)).size(), 1U);
    EXPECT_TRUE(session.begin("a", nullptr));
    EXPECT_FALSE(session.begin("a", nullptr));
}

TEST(Session, AnAbandonedRequestCountsUntilItsLateAnswer) {
    Session session;
    for (std::size_t i = 1; i <= max_in_flight; ++i) {
        session.begin("a", nullptr);
        session.abandon(i);
    }
    EXPECT_EQ(session.in_flight(), max_in_flight);
    EXPECT_FALSE(session.begin("a", nullptr));
    EXPECT_TRUE(drain(session, reply(7)).empty());
    EXPECT_EQ(session.stray_answers().late, 1U);
    EXPECT_TRUE(session.begin("a", nullptr));
}

TEST(Session, AbandoningAnAnsweredRequestDoesNothing) {
    Session session;
    session.begin("a", nullptr);
    drain(session, reply(1));
    session.abandon(1);
    session.abandon(99);
    EXPECT_EQ(session.in_flight(), 0U);
}

TEST(Session, ASecondAnswerIsADuplicate) {
    Session session;
    session.begin("a", nullptr);
    EXPECT_EQ(drain(session, reply(1) + reply(1)).size(), 1U);
    EXPECT_EQ(session.stray_answers().duplicate, 1U);
}

TEST(Session, AnAnswerToAnIdThatNoRequestHadIsUnknown) {
    Session session;
    session.begin("a", nullptr);
    EXPECT_TRUE(drain(session, reply(2) + reply(0) + reply(UINT64_MAX)).empty());
    EXPECT_EQ(session.stray_answers().unknown, 3U);
    EXPECT_EQ(session.in_flight(), 1U);
}

TEST(Session, AnAnswerWithoutANumberAsIdIsCounted) {
    Session session;
    session.begin("a", nullptr);
    EXPECT_TRUE(drain(session,
                      "{\"return\": {}}\n{\"return\": {}, \"id\": \"1\"}\n"
                      "{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON\"}}\n")
                    .empty());
    EXPECT_EQ(session.stray_answers().without_id, 3U);
    EXPECT_EQ(session.in_flight(), 1U);
}

TEST(Session, EventsAndTheGreetingPassThrough) {
    Session session({.events = true});
    const auto all = drain(session, "{\"QMP\": {}}\r\n{\"event\": \"STOP\"}\r\n");
    ASSERT_EQ(all.size(), 2U);
    EXPECT_TRUE(std::holds_alternative<Greeting>(all[0]));
    EXPECT_EQ(std::get<Event>(all[1]).name, "STOP");
}

TEST(Session, EventsThatNobodyWantsAreDropped) {
    Session session;
    session.begin("a", nullptr);
    const auto all = drain(session, "{\"QMP\": {}}\n{\"event\": \"STOP\"}\n{\"event\": nonsense\n" +
                                        reply(1) + "{\"event\": \"STOP\"}\n");
    ASSERT_EQ(all.size(), 2U);
    EXPECT_TRUE(std::holds_alternative<Greeting>(all[0]));
    EXPECT_EQ(std::get<Answer>(all[1]).id, 1U);
}

TEST(Session, TheMemoryOfAnAnswerIsHeldAsLongAsTheAnswer) {
    const auto budget = std::make_shared<MemoryBudget>(1024 * 1024);
    Session session({.budget = budget});
    session.begin("a", nullptr);
    session.feed(reply(1, std::string(10'000, 'x')) + "{");
    EXPECT_GE(budget->used(), 10'000U) << "the line that has not been decoded";
    {
        const auto answer = session.next();
        EXPECT_FALSE(session.next());
        EXPECT_GE(budget->used(), 10'000U);
    }
    EXPECT_EQ(budget->used(), 0U) << "the begin of the next line keeps no memory of this one";
}

TEST(Session, AnAnswerThatTakesMoreMemoryThanIsLeftEndsTheSession) {
    const auto budget = std::make_shared<MemoryBudget>(64 * 1024);
    for (const json& value : {json(std::string(40'000, 'x')), json(std::vector<int>(1'000, 1))}) {
        Session session({.budget = budget});
        session.begin("a", nullptr);
        const auto all = drain(session, reply(1, value) + reply(1));
        ASSERT_EQ(all.size(), 1U);
        ASSERT_TRUE(std::holds_alternative<Malformed>(all[0]));
        EXPECT_TRUE(std::get<Malformed>(all[0]).over_budget);
        EXPECT_EQ(budget->used(), 0U);
    }
}

TEST(Session, ASecondGreetingEndsTheSession) {
    Session session;
    const auto all = drain(session, "{\"QMP\": {}}\n{\"QMP\": {}}\n{\"event\": \"STOP\"}\n");
    ASSERT_EQ(all.size(), 2U);
    EXPECT_TRUE(std::holds_alternative<Malformed>(all[1]));
    EXPECT_TRUE(std::holds_alternative<Malformed>(*session.next()));
}

TEST(Session, AMalformedMessageEndsTheSession) {
    using namespace std::string_literals;
    const std::string deep = std::string(max_nesting, '[') + std::string(max_nesting, ']');
    for (const std::string& line :
         {"HTTP/1.1 400 Bad Request"s, "{]"s, "\0\1\2\xfe"s, "{\"event\": \"\xff\xff\"}"s,
          "{\"event\": \"a\0b\"}"s, "{\"return\": "s + deep + "}", "[]"s}) {
        Session session({.events = true});
        const auto all = drain(session, line + "\n" + reply(1));
        ASSERT_EQ(all.size(), 1U) << line;
        EXPECT_TRUE(std::holds_alternative<Malformed>(all[0])) << line;
    }
}

TEST(Session, NestingUpToTheLimitIsAccepted) {
    const std::string deep = std::string(max_nesting - 1, '[') + std::string(max_nesting - 1, ']');
    Session session;
    session.begin("a", nullptr);
    EXPECT_EQ(
        drain(session, "{\"id\": 1, \"x\": \"[[[\\\"[[[\", \"return\": " + deep + "}\n").size(),
        1U);
}

TEST(Session, ALineLongerThanTheLimitEndsTheSession) {
    Session session;
    session.feed(std::string(max_line_bytes, ' '));
    EXPECT_FALSE(session.next());
    EXPECT_TRUE(session.in_message());
    session.feed(" ");
    EXPECT_TRUE(std::holds_alternative<Malformed>(*session.next()));
}

TEST(Session, KnowsWhetherTheBytesEndInsideAMessage) {
    Session session;
    session.feed("{\"QMP\": {}}\n");
    EXPECT_EQ(drain(session).size(), 1U);
    EXPECT_FALSE(session.in_message());
    session.feed("{");
    EXPECT_FALSE(session.next());
    EXPECT_TRUE(session.in_message());
}

TEST(Session, BytesThatAreNotUtf8AreReplaced) {
    Session session;
    EXPECT_TRUE(session.begin("a\xff", {{"b", "\xff"}}));
    EXPECT_EQ(session.take_outgoing().find('\xff'), std::string::npos);
}

}  // namespace
}  // namespace vnuma::qmp
