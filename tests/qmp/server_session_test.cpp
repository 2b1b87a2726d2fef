#include "qmp/server_session.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "qmp/outline.hpp"
#include "qmp/session.hpp"

namespace vnuma::qmp {
namespace {

using nlohmann::json;

constexpr const char* capabilities = "{\"execute\":\"qmp_capabilities\"}\n";

// A session whose greeting has been taken.
ServerSession greeted() {
    ServerSession session("vnumad", "1.2.3");
    session.take_outgoing();
    return session;
}

ServerSession negotiated() {
    ServerSession session = greeted();
    session.feed(capabilities);
    EXPECT_TRUE(session.next());
    session.take_outgoing();
    return session;
}

std::vector<Received> drain(ServerSession& session, std::string_view bytes) {
    session.feed(bytes);
    std::vector<Received> all;
    while (auto received = session.next())
        all.push_back(std::move(*received));
    return all;
}

// The only request that arrives with these bytes.
Request request(ServerSession& session, std::string_view bytes) {
    const auto all = drain(session, bytes);
    if (all.size() != 1) throw std::runtime_error("there is not one request");
    return std::get<Request>(all[0]);
}

// The error that the session answers these bytes with, as one line.
json refusal(ServerSession& session, std::string_view bytes) {
    const auto all = drain(session, bytes);
    EXPECT_EQ(all.size(), 1U) << bytes;
    EXPECT_TRUE(std::holds_alternative<Answered>(all.at(0))) << bytes;
    const json line = json::parse(session.take_outgoing());
    EXPECT_TRUE(line.contains("error")) << bytes;
    return line;
}

json refusal(ServerSession&& session, std::string_view bytes) {
    return refusal(session, bytes);
}

std::string description(const json& refusal) {
    return refusal["error"]["desc"];
}

TEST(ServerSession, GreetsWithTheVersionWhereShellsLookForIt) {
    const std::string greeting = ServerSession("vnumad", "1.2.3").take_outgoing();
    EXPECT_TRUE(greeting.ends_with("}\r\n"));
    const json body = json::parse(greeting)["QMP"];
    EXPECT_EQ(body["version"]["qemu"], (json{{"major", 1}, {"minor", 2}, {"micro", 3}}));
    EXPECT_EQ(body["version"]["package"], "vnumad 1.2.3");
    EXPECT_EQ(body["capabilities"], json::array());
}

TEST(ServerSession, NumbersThatTheVersionLacksAreZero) {
    const json body = json::parse(ServerSession("vnumad", "8").take_outgoing())["QMP"];
    EXPECT_EQ(body["version"]["qemu"], (json{{"major", 8}, {"minor", 0}, {"micro", 0}}));
}

TEST(ServerSession, AClientOfOursUnderstandsItsLines) {
    Session client;
    client.begin("x", nullptr);
    client.begin("y", nullptr);
    client.feed(ServerSession("vnumad", "1.2.3").take_outgoing());
    client.feed(encode_reply(json(1), {{"a", 1}}));
    client.feed(encode_refusal(json(2), "Refused", "no"));
    EXPECT_EQ(std::get<Greeting>(*client.next()).version, "1.2.3");
    EXPECT_EQ(std::get<json>(std::get<Answer>(*client.next()).outcome), (json{{"a", 1}}));
    EXPECT_EQ(std::get<Refusal>(std::get<Answer>(*client.next()).outcome).error_class, "Refused");
    EXPECT_FALSE(client.next());
}

TEST(ServerSession, AnEventHasItsTimeInSecondsAndMicroseconds) {
    const json event = json::parse(encode_event("ORDER", {{"a", 1}}, 1'700'000'000'123'456));
    EXPECT_EQ(event["event"], "ORDER");
    EXPECT_EQ(event["data"], (json{{"a", 1}}));
    EXPECT_EQ(event["timestamp"], (json{{"seconds", 1'700'000'000}, {"microseconds", 123'456}}));
}

TEST(ServerSession, OnlyNegotiationIsPossibleBeforeNegotiation) {
    const json line = refusal(greeted(), "{\"execute\":\"query-status\",\"id\":1}\n");
    EXPECT_EQ(line["error"]["class"], "CommandNotFound");
    EXPECT_EQ(description(line), "Expecting capabilities negotiation with 'qmp_capabilities'");
    EXPECT_EQ(line["id"], 1);
}

TEST(ServerSession, NegotiationIsAnsweredOnceAndThenRequestsArrive) {
    ServerSession session = greeted();
    EXPECT_EQ(drain(session, R"({"execute":"qmp_capabilities","id":7,"arguments":{"enable":[]}})"
                             "\n")
                  .size(),
              1U);
    EXPECT_TRUE(session.negotiated());
    EXPECT_EQ(session.take_outgoing(), "{\"return\":{},\"id\":7}\r\n");
    EXPECT_EQ(request(session, "{\"execute\":\"query-status\"}\n").command, "query-status");
    EXPECT_EQ(description(refusal(session, capabilities)),
              "Capabilities negotiation is already complete, command ignored");
}

TEST(ServerSession, RefusesCapabilitiesThatItDoesNotOffer) {
    for (const char* arguments : {R"({"enable":["oob"]})", R"({"enable":1})", R"({"other":[]})"}) {
        ServerSession session = greeted();
        drain(session,
              "{\"execute\":\"qmp_capabilities\",\"arguments\":" + std::string(arguments) + "}\n");
        EXPECT_FALSE(session.negotiated()) << arguments;
        EXPECT_TRUE(json::parse(session.take_outgoing()).contains("error")) << arguments;
    }
}

TEST(ServerSession, AnyJsonValueIsAnId) {
    for (const char* id :
         {"1", "-1", "1.5", "\"a\\n\"", "null", "true", "[1,{\"a\":null}]", "{}"}) {
        ServerSession session = negotiated();
        const Request one =
            request(session, "{\"execute\":\"x\",\"id\":" + std::string(id) + "}\n");
        EXPECT_EQ(encode_reply(one.id, json::object()),
                  "{\"return\":{},\"id\":" + std::string(id) + "}\r\n");
    }
    ServerSession session = negotiated();
    EXPECT_EQ(encode_reply(request(session, "{\"execute\":\"x\"}\n").id, json::object()),
              "{\"return\":{}}\r\n");
}

TEST(ServerSession, AnIdHasALimit) {
    const auto line = [](std::size_t size) {
        return "{\"execute\":\"x\",\"id\":\"" + std::string(size - 2, 'i') + "\"}\n";
    };
    ServerSession session = negotiated();
    EXPECT_TRUE(request(session, line(max_id_bytes)).id);
    const json answer = refusal(negotiated(), line(max_id_bytes + 1));
    EXPECT_FALSE(answer.contains("id"));
    EXPECT_EQ(description(answer), "QMP input member 'id' is longer than 256 bytes");
}

TEST(ServerSession, WhatIsNoRequestIsRefusedWithTheReason) {
    const std::pair<const char*, const char*> cases[] = {
        {"not JSON\n", "JSON parse error, a request is not JSON"},
        {"{\"execute\":\n", "JSON parse error, a request is not JSON"},
        {"{\"execute\":\"\xff\"}\n", "JSON parse error, a request is not JSON"},
        {"{\"execute\":1e999}\n", "JSON parse error, a request is not JSON"},
        {"[]\n", "QMP input must be a JSON object"},
        {"1\n", "QMP input must be a JSON object"},
        {"{}\n", "QMP input lacks member 'execute'"},
        {"{\"execute\":1}\n", "QMP input member 'execute' must be a string"},
        {"{\"execute\":\"x\",\"arguments\":[]}\n",
         "QMP input member 'arguments' must be an object"},
        {"{\"execute\":\"x\",\"exec-oob\":1}\n", "QMP input member 'exec-oob' is unexpected"},
    };
    for (const auto& [line, reason] : cases) {
        const json answer = refusal(negotiated(), line);
        EXPECT_EQ(answer["error"]["class"], "GenericError") << line;
        EXPECT_EQ(description(answer), reason) << line;
    }
}

TEST(ServerSession, GoesOnAfterALineThatIsNoRequest) {
    ServerSession session = negotiated();
    const auto all = drain(session, "{\"execute\": [\n\n \t\r\n{\"execute\":\"x\"}\n");
    ASSERT_EQ(all.size(), 2U);
    EXPECT_TRUE(std::holds_alternative<Answered>(all[0]));
    EXPECT_EQ(std::get<Request>(all[1]).command, "x");
    EXPECT_FALSE(session.over());
}

TEST(ServerSession, ADeepRequestIsRefusedAndTheNextOneArrives) {
    ServerSession session = negotiated();
    const std::string deep = "{\"execute\":\"x\",\"arguments\":" + std::string(max_nesting, '[');
    EXPECT_NE(description(refusal(session, deep + "\n")).find("64 levels"), std::string::npos);
    const auto all = drain(session, deep + "\n{\"execute\":\"x\"}\n");
    EXPECT_EQ(all.size(), 2U);
    EXPECT_FALSE(session.over());
}

TEST(ServerSession, AnOverlongRequestIsAnsweredOnceAndEndsTheConversation) {
    ServerSession session = negotiated();
    EXPECT_TRUE(drain(session, std::string(max_request_bytes, 'x')).empty());
    EXPECT_EQ(drain(session, "x").size(), 1U);
    EXPECT_TRUE(session.over());
    EXPECT_NE(description(json::parse(session.take_outgoing())).find("65536 bytes"),
              std::string::npos);
    EXPECT_TRUE(drain(session, "\n{\"execute\":\"x\"}\n").empty());
    EXPECT_EQ(session.outgoing_bytes(), 0U);
}

TEST(ServerSession, ARequestNeedsNoNewline) {
    ServerSession session = negotiated();
    const auto all = drain(session, R"({"execute":"a","arguments":{"b":"}\"}"}}{"execute":"c"} )");
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(std::get<Request>(all[0]).arguments, (json{{"b", "}\"}"}}));
    EXPECT_EQ(std::get<Request>(all[1]).command, "c");
}

TEST(ServerSession, HalfARequestIsNone) {
    ServerSession session = negotiated();
    EXPECT_TRUE(drain(session, "{\"execute\":").empty());
    EXPECT_EQ(session.outgoing_bytes(), 0U);
    EXPECT_EQ(request(session, "\"x\"}").command, "x");
}

TEST(ServerSession, TheSameArrivesForEverySplitOfTheBytes) {
    const std::string bytes = std::string(capabilities) + "no\r\n{\"execute\":\"a\"}\r\n{]\n" +
                              R"({"execute":"b"}{"execute":"c\\"})" + "\n";
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        ServerSession session = greeted();
        std::vector<std::size_t> kinds;
        for (const auto& part : {bytes.substr(0, cut), bytes.substr(cut)})
            for (const Received& received : drain(session, part))
                kinds.push_back(received.index());
        EXPECT_EQ(kinds, (std::vector<std::size_t>{1, 1, 0, 1, 0, 0})) << "cut at " << cut;
    }
}

TEST(ServerSession, AQuotedTextOfTheClientHasALimit) {
    const json answer =
        refusal(negotiated(), "{\"" + std::string(1000, 'k') + "\":1,\"execute\":\"x\"}\n");
    EXPECT_LT(description(answer).size(), 2 * max_quoted_bytes);
}

}  // namespace
}  // namespace vnuma::qmp
