#include "qmp/message.hpp"

#include <gtest/gtest.h>

namespace vnuma::qmp {
namespace {

template <typename T>
T expect(std::string_view line) {
    Message message = parse_message(line);
    EXPECT_TRUE(std::holds_alternative<T>(message)) << line;
    return std::holds_alternative<T>(message) ? std::move(std::get<T>(message)) : T{};
}

// The greeting of QEMU 7.2.
constexpr std::string_view greeting =
    R"({"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "Debian 1:7.2+dfsg-7+deb12u18"}, "capabilities": ["oob"]}})";

TEST(ParseMessage, ReadsTheGreeting) {
    const auto message = expect<Greeting>(greeting);
    EXPECT_EQ(message.version, "7.2.22");
    EXPECT_EQ(message.capabilities, std::vector<std::string>{"oob"});
}

TEST(ParseMessage, ReadsAReplyWithItsId) {
    const auto reply = expect<Reply>(R"({"return": {"status": "running"}, "id": 7})");
    EXPECT_EQ(reply.id, 7U);
    EXPECT_EQ(reply.value["status"], "running");
}

TEST(ParseMessage, ReadsARefusal) {
    const auto refusal = expect<Refusal>(
        R"({"id": 3, "error": {"class": "CommandNotFound", "desc": "The command x has not been found"}})");
    EXPECT_EQ(refusal.id, 3U);
    EXPECT_EQ(refusal.error_class, "CommandNotFound");
    EXPECT_EQ(refusal.description, "The command x has not been found");
}

TEST(ParseMessage, ReadsAnEventWithItsTime) {
    const auto event = expect<Event>(
        R"({"timestamp": {"seconds": 1700000000, "microseconds": 25}, "event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-reset"}})");
    EXPECT_EQ(event.name, "SHUTDOWN");
    EXPECT_EQ(event.data["reason"], "guest-reset");
    EXPECT_EQ(event.time_us, 1700000000000025);
}

TEST(ParseMessage, AnIdThatIsNoNumberIsNone) {
    EXPECT_EQ(expect<Reply>(R"({"return": {}, "id": "abc"})").id, std::nullopt);
    EXPECT_EQ(expect<Reply>(R"({"return": {}, "id": -1})").id, std::nullopt);
    EXPECT_EQ(expect<Reply>(R"({"return": {}})").id, std::nullopt);
}

TEST(ParseMessage, AMalformedMessageHasAReason) {
    for (const char* line :
         {"{]", "[]", "{}", "\xff", "{\"event\": 1}", "{\"error\": []}", "{\"return\": {}", "42"})
        EXPECT_FALSE(expect<Malformed>(line).reason.empty());
}

TEST(ParseMessage, CutsWhatIsKeptOfErrorsAndGreetings) {
    const std::string text(max_description_bytes + 1, 'x');
    const auto refusal =
        expect<Refusal>(R"({"error": {"class": ")" + text + R"(", "desc": ")" + text + R"("}})");
    EXPECT_EQ(refusal.error_class.size(), max_description_bytes);
    EXPECT_EQ(refusal.description.size(), max_description_bytes);
    const std::vector<std::string> capabilities(max_capabilities + 1, text);
    const nlohmann::json long_greeting{{"QMP", {{"capabilities", capabilities}}}};
    const auto message = expect<Greeting>(long_greeting.dump());
    ASSERT_EQ(message.capabilities.size(), max_capabilities);
    EXPECT_EQ(message.capabilities[0].size(), max_description_bytes);
}

TEST(Decoder, RefusesDeepNesting) {
    Decoder decoder;
    decoder.feed(R"({"return": )" + std::string(2000, '[') + std::string(2000, ']') + "}\n");
    const auto message = decoder.next();
    ASSERT_TRUE(message);
    EXPECT_EQ(std::get<Malformed>(*message).reason, "a message is nested more than 64 levels deep");
}

TEST(Decoder, ReturnsTheSameMessagesForEverySplitOfTheBytes) {
    const std::string bytes = std::string(greeting) + "\r\n" + R"({"return": {}, "id": 1})" +
                              "\n\n" + R"({"event": "STOP"})" + "\n";
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        Decoder decoder({.events = true});
        std::vector<std::size_t> kinds;
        for (const auto& part : {bytes.substr(0, cut), bytes.substr(cut)}) {
            decoder.feed(part);
            while (auto message = decoder.next())
                kinds.push_back(message->index());
        }
        EXPECT_EQ(kinds, (std::vector<std::size_t>{0, 1, 3})) << "cut at " << cut;
    }
}

TEST(Decoder, APartOfALineIsNoMessage) {
    Decoder decoder;
    decoder.feed(R"({"return")");
    EXPECT_FALSE(decoder.next());
}

TEST(Decoder, EndsWithTheFirstMalformedLine) {
    Decoder decoder;
    decoder.feed("not JSON\n{\"return\": {}}\n");
    for (int i = 0; i < 2; ++i) {
        const auto message = decoder.next();
        ASSERT_TRUE(message);
        EXPECT_TRUE(std::holds_alternative<Malformed>(*message));
    }
}

TEST(Decoder, RefusesALineLongerThanTheLimit) {
    Decoder decoder;
    decoder.feed(std::string(max_line_bytes, 'x'));
    EXPECT_FALSE(decoder.next());
    decoder.feed("x");
    ASSERT_TRUE(decoder.next());
}

TEST(EncodeRequest, WritesOneLine) {
    EXPECT_EQ(encode_request("stop", nullptr, 5), "{\"execute\":\"stop\",\"id\":5}\n");
    EXPECT_EQ(encode_request("x", {{"a", "line\nbreak"}}, 6),
              "{\"arguments\":{\"a\":\"line\\nbreak\"},\"execute\":\"x\",\"id\":6}\n");
}

}  // namespace
}  // namespace vnuma::qmp
