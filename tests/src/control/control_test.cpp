// The control socket, the history and the metrics of one vnumad together.
#include "src/control/control.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <filesystem>
#include <optional>

#include "tests/src/control/queries/made_up_tick.hpp"
#include "tests/src/control/server/control_client.hpp"
#include "tests/temporary.hpp"

namespace vnuma::control {
namespace {

namespace asio = boost::asio;
using nlohmann::json;
using namespace std::chrono_literals;
constexpr auto long_enough = 30s;

class ControlTest : public ::testing::Test {
  protected:
    ControlTest() {
        config.state_directory = directory.path();
        config.run_time_policy = directory.path("policy.toml");
        config.history_file = directory.path("history.sqlite");
        config.metrics_listen = directory.path("metrics.sock");
    }
    void start() { control.emplace(config, "1.2.3", orders); }
    // A tick in which web1 is at home.
    static std::shared_ptr<const Tick> make_tick() {
        test::MadeUpTick made = test::tick_of_web1();
        made.add_verdict(Reason::settled, 0);
        return std::make_shared<const Tick>(made.tick);
    }
    ControlClient connect() const {
        ControlClient client(directory.path(read_socket_name));
        client.negotiate();
        return client;
    }
    std::string scrape() const {
        asio::io_context context;
        asio::local::stream_protocol::socket socket(context);
        socket.connect(config.metrics_listen);
        asio::write(socket, asio::buffer(std::string("GET /metrics HTTP/1.1\r\n\r\n")));
        std::string reply;
        boost::system::error_code end;
        asio::read(socket, asio::dynamic_buffer(reply), end);
        return reply;
    }

    const test::TemporaryDirectory directory;
    Config config;
    Orders orders;
    std::optional<Control> control;
};

TEST_F(ControlTest, ServesClientsAndPrometheusFromTheLastTick) {
    start();
    EXPECT_EQ(connect().call("query-status")["return"]["tick"], 0);
    EXPECT_NE(scrape().find("vnumad_blind 1\n"), std::string::npos);
    for (int i = 0; i < 3; ++i)
        control->publish(make_tick());
    ControlClient client = connect();
    EXPECT_EQ(client.call("query-status")["return"]["tick"], 7);
    const std::string metrics = client.call("query-metrics")["return"];
    for (const std::string& text : {metrics, scrape()}) {
        EXPECT_NE(text.find("vnumad_ticks_total 3\n"), std::string::npos) << text;
        EXPECT_NE(text.find("vnumad_domain_info{domain=\"web1\""), std::string::npos) << text;
    }
    EXPECT_TRUE(control->finish(long_enough));
}

TEST_F(ControlTest, SendsPlansToWhoWantsThemAndEventsToAll) {
    start();
    ControlClient planner = connect(), other = connect();
    planner.ask(R"({"execute":"set-events","arguments":{"events":false,"records":true}})");
    control->publish(make_tick());
    const json plan = planner.read().value();
    EXPECT_EQ(plan["event"], plan_event);
    EXPECT_EQ(plan["data"]["plan"]["verdicts"].size(), 1U) << plan;
    Happening happening;
    happening.kind = EventKind::guest_came;
    happening.text = "is new";
    control->tell({happening});
    EXPECT_EQ(other.read().value()["event"], "GUEST_CAME");
    EXPECT_EQ(other.call("query-events")["return"]["events"][0]["text"], "is new")
        << "not on disk yet";
    EXPECT_TRUE(control->finish(long_enough));
}

TEST_F(ControlTest, GoesWithoutWhatCannotBeOffered) {
    directory.write("control.sock", "in the way");
    config.metrics_listen = directory.path("no/such/directory");
    start();
    control->publish(make_tick());
    control->tell({Happening()});
    EXPECT_TRUE(control->finish(long_enough));
    EXPECT_FALSE(std::filesystem::exists(config.history_file))
        << "another vnumad that has the sockets keeps the history";
}

}  // namespace
}  // namespace vnuma::control
