#include "src/control/server/server.hpp"

#include <list>
#include <thread>

#include "qmp/outline.hpp"
#include "tests/src/control/server/control_client.hpp"

namespace vnuma::control {
namespace {

using nlohmann::json;

TEST_F(ServerTest, GreetsNegotiatesAndAnswers) {
    handler.scripts["query-status"] = [](const json& arguments, const Caller& caller) -> Reply {
        EXPECT_EQ(arguments, json::object());
        EXPECT_EQ(caller.uid, ::geteuid());
        EXPECT_EQ(caller.pid, ::getpid());
        EXPECT_TRUE(caller.may_act);
        return JsonOut{{"mode", "act"}};
    };
    start();
    ControlClient client(path());
    EXPECT_EQ(client.read().value()["QMP"]["version"]["package"], "vnumad 1.2.3");
    EXPECT_EQ(client.refusal("query-status"), command_not_found);
    EXPECT_EQ(client.call("qmp_capabilities"), (json{{"return", json::object()}}));
    EXPECT_EQ(client.ask(R"({"execute":"query-status","id":[7]})"),
              (json{{"return", {{"mode", "act"}}}, {"id", {7}}}));
}

TEST_F(ServerTest, EachFailureHasItsClass) {
    handler.scripts["query-guest"] = [](const json&, const Caller&) -> Reply {
        return Refused{guest_not_found, "no guest is named web9"};
    };
    handler.scripts["query-guests"] = [](const json&, const Caller&) -> Reply {
        throw FormatError("guest", "must be a string");
    };
    handler.scripts["query-status"] = [](const json&, const Caller&) -> Reply {
        throw std::runtime_error("out of order");
    };
    start();
    ControlClient client = connect();
    EXPECT_EQ(client.refusal("no-such-command"), command_not_found);
    EXPECT_EQ(client.refusal("query-guest"), guest_not_found);
    EXPECT_EQ(client.refusal("query-guests"), invalid_argument);
    EXPECT_EQ(client.refusal("query-status"), generic_error);
    EXPECT_EQ(client.ask(R"({"execute":"set-events","arguments":{"x":1}})")["error"]["class"],
              invalid_argument);
    EXPECT_EQ(client.ask("no JSON")["error"]["class"], generic_error);
    EXPECT_TRUE(client.call("query-groups").contains("return"));
}

TEST_F(ServerTest, OnlyTheSocketForActingActs) {
    start();
    ControlClient reader = connect(read_socket_name), actor = connect();
    EXPECT_EQ(reader.refusal("freeze"), not_permitted);
    EXPECT_EQ(handler.handled, 0);
    EXPECT_TRUE(reader.call("query-status").contains("return"));
    EXPECT_TRUE(actor.call("freeze").contains("return"));
    EXPECT_EQ(handler.handled, 2);
}

TEST_F(ServerTest, AnswersAHundredClientsAtOnce) {
    constexpr std::size_t count = 100;
    limits.clients_of_a_user = count;
    start();
    std::list<ControlClient> clients;
    for (std::size_t i = 0; i < count; ++i)
        clients.emplace_back(path(read_socket_name));
    for (ControlClient& client : clients)
        client.negotiate();
    for (ControlClient& client : clients)
        client.send("{\"execute\":\"query-status\"}");
    for (ControlClient& client : clients)
        EXPECT_TRUE(client.read().value().contains("return"));
    publish("a");
    for (ControlClient& client : clients)
        EXPECT_EQ(client.read().value()["event"], "ORDER");
}

TEST_F(ServerTest, AClientTooManyIsToldSoAndServedOnceAnotherHasEnded) {
    limits.clients_of_a_user = 2;
    start();
    ControlClient first = connect();
    auto second = std::make_unique<ControlClient>(connect());
    {
        ControlClient third(path());
        const json answer = third.read().value();
        EXPECT_NE(answer["error"]["desc"].get<std::string>().find("2 clients"), std::string::npos);
        EXPECT_FALSE(third.read());
    }
    EXPECT_TRUE(first.call("query-status").contains("return"));
    second.reset();
    // The server may hear of the next client before it hears of that end.
    while (!ControlClient(path()).read().value().contains("QMP")) {
    }
}

TEST_F(ServerTest, ActorsHaveRoomThatOthersCannotTake) {
    limits.clients = limits.clients_kept_for_actors = 1;
    start();
    EXPECT_TRUE(connect().call("query-status").contains("return"));
}

TEST_F(ServerTest, ClientsThatVanishDisturbNobody) {
    handler.scripts["query-report"] = [](const json&, const Caller&) -> Reply {
        return JsonOut(std::string(1 << 20, 'x'));
    };
    start();
    ControlClient stays = connect();
    for (const char* last_words :
         {"", "{\"execute\":\"que", "{\"execute\":\"query-report\"}", "\"\n{]\n"}) {
        ControlClient vanishes = connect();
        vanishes.send(last_words);
    }
    ControlClient(path()).end_sending();
    EXPECT_TRUE(stays.call("query-status").contains("return"));
}

TEST_F(ServerTest, WhoHasSentAllItWillStillGetsItsAnswers) {
    start();
    ControlClient client(path());
    client.send("{\"execute\":\"qmp_capabilities\"}{\"execute\":\"query-status\"}{\"execute\":");
    client.end_sending();
    EXPECT_TRUE(client.read().value().contains("QMP"));
    EXPECT_TRUE(client.read().value().contains("return"));
    EXPECT_TRUE(client.read().value().contains("return"));
    EXPECT_FALSE(client.read());
}

TEST_F(ServerTest, AnOverlongRequestEndsTheConnectionAndADeepOneDoesNot) {
    start();
    ControlClient client = connect();
    EXPECT_TRUE(client.ask(std::string(2 * qmp::max_nesting, '[')).contains("error"));
    EXPECT_TRUE(client.call("query-status").contains("return"));
    client.send(std::string(qmp::max_request_bytes + 1, 'x'));
    EXPECT_TRUE(client.read().value().contains("error"));
    EXPECT_FALSE(client.read());
}

TEST_F(ServerTest, ASlowReaderLosesEventsOnlyAndIsToldHowMany) {
    constexpr std::uint64_t count = 600;
    start();
    ControlClient slow = connect(), fast = connect();
    for (std::uint64_t i = 0; i < count; ++i) {
        publish(std::string(4096, 'x'));
        ASSERT_EQ(fast.read().value()["event"], "ORDER");
    }
    slow.send("{\"execute\":\"query-status\"}");
    std::uint64_t seen = 0, lost = 0;
    bool answered = false;
    while (seen + lost < count || !answered) {
        const json line = slow.read().value();
        answered |= line.contains("return");
        if (!line.contains("event")) continue;
        if (line["event"] == events_lost_event)
            lost += line["data"]["count"].get<std::uint64_t>();
        else
            ++seen;
    }
    EXPECT_EQ(seen + lost, count);
    EXPECT_GT(lost, 0U);
    publish("again");
    EXPECT_EQ(slow.read().value()["data"]["text"], "again");
}

TEST_F(ServerTest, RequestsOfASlowReaderWait) {
    constexpr std::size_t reply_bytes = std::size_t{256} << 10;
    constexpr int requests = 30;
    handler.scripts["query-report"] = [](const json&, const Caller&) -> Reply {
        return JsonOut(std::string(reply_bytes, 'x'));
    };
    start();
    ControlClient slow = connect(), other = connect();
    for (int i = 0; i < requests; ++i)
        slow.send("{\"execute\":\"query-report\"}\n");
    EXPECT_TRUE(other.call("query-status").contains("return"));
    EXPECT_LT(handler.handled, requests / 2);
    for (int i = 0; i < requests; ++i)
        EXPECT_EQ(slow.read().value()["return"].get<std::string>().size(), reply_bytes);
}

TEST_F(ServerTest, WhoReadsNothingIsClosed) {
    limits.silence = std::chrono::milliseconds(1);
    handler.scripts["query-report"] = [](const json&, const Caller&) -> Reply {
        return JsonOut(std::string(3 << 20, 'x'));
    };
    start();
    ControlClient silent = connect();
    silent.send("{\"execute\":\"query-report\"}");
    silent.wait_until_closed();
}

TEST_F(ServerTest, WhoDoesNotNegotiateIsClosed) {
    limits.negotiation = std::chrono::milliseconds(1);
    start();
    ControlClient silent(path());
    EXPECT_TRUE(silent.read().value().contains("QMP"));
    EXPECT_FALSE(silent.read());
}

// The report of a host with thousands of guests.
TEST_F(ServerTest, ALongReplyArrivesWhole) {
    constexpr std::size_t bytes = std::size_t{8} << 20;
    handler.scripts["query-report"] = [](const json&, const Caller&) -> Reply {
        return JsonOut(std::string(bytes, 'x'));
    };
    start();
    EXPECT_EQ(connect().call("query-report")["return"].get<std::string>().size(), bytes);
}

TEST_F(ServerTest, AReplyThatMayNotWaitIsRefused) {
    limits.outgoing = 64 << 10;
    handler.scripts["query-report"] = [](const json&, const Caller&) -> Reply {
        return JsonOut(std::string(64 << 10, 'x'));
    };
    start();
    ControlClient client = connect();
    EXPECT_EQ(client.refusal("query-report"), generic_error);
    EXPECT_TRUE(client.call("query-status").contains("return"));
}

TEST_F(ServerTest, RequestsAboveTheRateAreAnsweredLater) {
    constexpr int requests = 30;
    limits.requests_per_second = 20;
    start();
    ControlClient client = connect();
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < requests; ++i)
        client.send("{\"execute\":\"query-status\"}\n");
    for (int i = 0; i < requests; ++i)
        EXPECT_TRUE(client.read().value().contains("return"));
    // The first 19 come at once.
    EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(500));
}

TEST_F(ServerTest, AClientChoosesItsEvents) {
    start();
    ControlClient client = connect();
    EXPECT_FALSE(server->wants_records());
    publish("record", Topic::records);
    publish("first");
    EXPECT_EQ(client.read().value()["data"]["text"], "first");
    client.ask(R"({"execute":"set-events","arguments":{"events":false,"records":true}})");
    EXPECT_TRUE(server->wants_records());
    publish("second");
    publish("record", Topic::records);
    EXPECT_EQ(client.read().value()["event"], plan_event);
}

TEST_F(ServerTest, NobodyWaitsForAServerThatIsBehind) {
    limits.waiting_events = 4;
    limits.waiting_calls = 1;
    start();
    ControlClient client = connect();
    std::promise<void> release = block();
    for (int i = 0; i < 10; ++i)
        publish("x");
    EXPECT_TRUE(server->post([] {}));
    EXPECT_FALSE(server->post([] {}));
    release.set_value();
    for (int i = 0; i < 4; ++i)
        EXPECT_EQ(client.read().value()["event"], "ORDER");
    const json lost = client.read().value();
    EXPECT_EQ(lost["event"], events_lost_event);
    EXPECT_EQ(lost["data"]["count"], 6);
}

TEST_F(ServerTest, ACallThatThrowsEndsNothing) {
    start();
    server->post([] { throw std::runtime_error("no"); });
    EXPECT_TRUE(connect().call("query-status").contains("return"));
}

TEST_F(ServerTest, StopsWithOpenClients) {
    start();
    ControlClient idle = connect(), greeted(path()), half = connect();
    half.send("{\"execute\":");
    EXPECT_TRUE(server->stop());
    EXPECT_TRUE(server->stop());
    EXPECT_FALSE(idle.read());
    EXPECT_FALSE(half.read());
    EXPECT_FALSE(std::filesystem::exists(path()));
    EXPECT_FALSE(std::filesystem::exists(path(read_socket_name)));
    publish("x");
    EXPECT_FALSE(server->post([] {}));
}

TEST_F(ServerTest, StopDoesNotWaitForEverForAHandler) {
    limits.stop_patience = std::chrono::milliseconds(1);
    start();
    std::promise<void> release = block();
    EXPECT_FALSE(server->stop());
    release.set_value();
    server.reset();
}

}  // namespace
}  // namespace vnuma::control
