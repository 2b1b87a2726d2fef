// Which questions a guest is asked, and when: as few as will do.
#include <algorithm>
#include <filesystem>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "guests/discovery/qmp_limits.hpp"
#include "tests/guests/discovery/fake_qemu.hpp"
#include "tests/guests/discovery/qmp_guests.hpp"

namespace vnuma {
namespace {

using Commands = std::vector<std::string>;

const Commands about_status{"query-status"}, about_state{"query-status", "query-migrate"};
// Of a guest whose UUID and name are known.
const Commands about_all{"query-status",          "query-migrate",  "query-cpus-fast",
                         "human-monitor-command", "query-memdev",   "query-memory-devices",
                         "query-balloon",         "query-iothreads"};

auto count(const Commands& commands, const std::string& command) {
    return std::count(commands.begin(), commands.end(), command);
}

class QmpQuestionsTest : public QmpSourceTest {
  protected:
    // Looks every 2 s, until the condition holds. Returns the guest then, or nothing if it did not
    // hold in this time.
    template <typename Condition>
    std::optional<ListedGuest> look_for(std::chrono::seconds length, Condition condition) {
        for (const auto end = now + length; now < end;) {
            now += 2s;
            const auto guests = source.list();
            EXPECT_EQ(guests.size(), 1U);
            if (guests.size() != 1) return std::nullopt;
            EXPECT_EQ(guests[0].read_at, now) << "its process is as it was";
            if (condition(guests[0])) return guests[0];
        }
        return std::nullopt;
    }
    // The same for a guest that runs all the time.
    void look_for(std::chrono::seconds length) {
        const auto other = look_for(
            length, [](const ListedGuest& guest) { return guest.state != RunState::running; });
        EXPECT_FALSE(other.has_value());
    }
    // Lists the new guest, and again when what is new about it is not news any more.
    ListedGuest settle() {
        list_until_steady(source, 1);
        now += qmp_limits::resync;
        const ListedGuest guest = source.list().at(0);
        qemu.take_commands();
        return guest;
    }

    test::FakeQemu qemu{socket("a")};
    QmpSource source = listen();
};

TEST_F(QmpQuestionsTest, WhileNothingHappensAGuestIsAskedOneCommandAMinute) {
    settle();
    const int connections = qemu.connections();
    Commands all;
    for (int minute = 0; minute < 30; ++minute) {
        look_for(60s);
        const Commands commands = qemu.take_commands();
        EXPECT_TRUE(commands == about_status || commands == about_all) << minute;
        all.insert(all.end(), commands.begin(), commands.end());
    }
    EXPECT_EQ(count(all, "query-status"), 30);
    EXPECT_EQ(count(all, "query-memdev"), 3) << "every ten minutes";
    EXPECT_EQ(count(all, "query-uuid"), 0) << "once for each process";
    EXPECT_EQ(qemu.connections() - connections, 30);
}

TEST_F(QmpQuestionsTest, ANewGuestIsAskedEverythingAndOnceMoreAMinuteLater) {
    list_until_steady(source, 1);
    Commands first = qemu.take_commands();
    EXPECT_EQ(first.size(), about_all.size() + 2);
    EXPECT_EQ(count(first, "query-uuid"), 1);
    EXPECT_EQ(count(first, "query-name"), 1);
    look_for(60s);
    EXPECT_EQ(qemu.take_commands(), about_all);
}

TEST_F(QmpQuestionsTest, OfAGuestThatIsNotAskedTheJobIsNotKnown) {
    EXPECT_TRUE(source.list()[0].job_known);
    const ListedGuest guest = source.list()[0];
    EXPECT_FALSE(guest.job_known) << "its state is read before anything is done to it";
    EXPECT_EQ(guest.state, RunState::running);
    now += qmp_limits::resync;
    EXPECT_TRUE(source.list()[0].job_known) << "what is new is described again";
    look_for(60s);
    EXPECT_FALSE(source.list()[0].job_known);
}

TEST_F(QmpQuestionsTest, ANewThreadIsAReasonToAskInTheNextLook) {
    settle();
    std::promise<void> end;
    std::thread thread([&] { end.get_future().wait(); });
    source.list();
    EXPECT_EQ(qemu.take_commands(), about_all);
    source.list();
    EXPECT_EQ(qemu.take_commands(), Commands());
    end.set_value();
    thread.join();
}

TEST_F(QmpQuestionsTest, APauseOfWhichNothingTellsIsFoundAtTheResync) {
    const ListedGuest before = settle();
    qemu.set_status("paused");
    const auto paused =
        look_for(60s, [](const ListedGuest& guest) { return guest.state == RunState::paused; });
    ASSERT_TRUE(paused.has_value());
    EXPECT_EQ(paused->unsteady, "it is paused");
    EXPECT_EQ(paused->domain, before.domain);
    EXPECT_EQ(qemu.take_commands(), about_all) << "what else has changed with its state?";
    source.list();
    EXPECT_EQ(qemu.take_commands(), about_state) << "in every look";
    qemu.set_status("running");
    EXPECT_EQ(source.list()[0].unsteady, "");
    EXPECT_EQ(qemu.take_commands(), about_all);
    source.list();
    EXPECT_EQ(qemu.take_commands(), Commands());
}

TEST_F(QmpQuestionsTest, ABalloonIsFoundWithinTenMinutesAndThenFollowed) {
    settle();
    const auto has = [](std::int64_t bytes) {
        return [bytes](const ListedGuest& guest) { return guest.domain->balloon_bytes == bytes; };
    };
    qemu.answer_with("query-balloon", {{"actual", 3 << 20}});
    ASSERT_TRUE(look_for(600s, has(3 << 20)).has_value());
    qemu.answer_with("query-balloon", {{"actual", 2 << 20}});
    ASSERT_TRUE(look_for(60s, has(2 << 20)).has_value()) << "it moves";
    look_for(60s);
    qemu.take_commands();
    look_for(60s);
    EXPECT_EQ(qemu.take_commands(), about_status) << "it has stopped";
}

TEST_F(QmpQuestionsTest, WhoReadsAnotherStateMakesTheNextLookAsk) {
    const ListedGuest guest = settle();
    EXPECT_EQ(source.read_state(guest.uuid), RunState::running);
    EXPECT_EQ(qemu.take_commands(), about_state);
    source.list();
    EXPECT_EQ(qemu.take_commands(), Commands());
    qemu.set_status("paused");
    EXPECT_EQ(source.read_state(guest.uuid), RunState::paused);
    qemu.take_commands();
    EXPECT_EQ(source.list()[0].unsteady, "it is paused");
    EXPECT_EQ(qemu.take_commands(), about_all);
}

TEST_F(QmpQuestionsTest, AMigrationThatSomebodyHasReadIsSeenInTheNextLook) {
    const ListedGuest guest = settle();
    qemu.answer_with("query-migrate", {{"status", "active"}});
    EXPECT_EQ(source.read_state(guest.uuid), RunState::migrating);
    EXPECT_EQ(source.list()[0].unsteady, "it is migrating");
    qemu.answer_with("query-migrate", {{"status", "cancelled"}});
    EXPECT_EQ(source.list()[0].unsteady, "");
}

TEST_F(QmpQuestionsTest, AFloodOfEventsCostsNoQuestion) {
    settle();
    const std::string event =
        R"({"event": "BALLOON_CHANGE", "data": {"actual": 1}, "timestamp": {"seconds": 1}})"
        "\n";
    std::string events;
    for (int i = 0; i < 10'000; ++i)
        events += event;
    qemu.greet_with(events);
    for (int minute = 0; minute < 10; ++minute) {
        look_for(60s);
        const Commands commands = qemu.take_commands();
        EXPECT_TRUE(commands == about_status || commands == about_all) << minute;
    }
}

TEST_F(QmpQuestionsTest, AGuestWhoseProcessIsNotTrustedIsAskedForItsUuidAgain) {
    std::filesystem::rename(socket("a"), socket("moved"));
    list_until(source, one_described);
    for (int minute = 0; minute < 3; ++minute) {
        qemu.take_commands();
        now += qmp_limits::resync;
        EXPECT_NE(source.list()[0].unsteady, "");
        const Commands commands = qemu.take_commands();
        EXPECT_EQ(count(commands, "query-uuid"), 1);
        EXPECT_EQ(count(commands, "query-name"), 1);
    }
}

}  // namespace
}  // namespace vnuma
