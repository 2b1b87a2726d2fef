// What monitors that do not answer in time cost.
#include <algorithm>
#include <memory>

#include "guests/discovery/guest_source.hpp"
#include "tests/guests/discovery/fake_qemu.hpp"
#include "tests/guests/discovery/qmp_guests.hpp"

namespace vnuma {
namespace {

class QmpDeadlinesTest : public QmpSourceTest {
  protected:
    QmpDeadlinesTest() { deadlines = QmpDeadlines{}; }
};

TEST_F(QmpDeadlinesTest, AMonitorThatHangsHoldsUpNobodyElse) {
    deadlines.list = deadlines.greeting = 2s;
    const Qemu good(socket("good"), {"-machine", "none"});
    const Qemu bad(socket("bad"), two_cells);
    QmpSource source = listen();
    const auto all_answer = [](const auto& guests) {
        return guests.size() == 2 && guests[0].unsteady == "it is starting" &&
               guests[1].unsteady == "it is starting";
    };
    list_until(source, all_answer, 30s);
    bad.signal(SIGSTOP);
    const auto hung = source.list();
    EXPECT_EQ(hung[0].unsteady, not_answered_for("0") + not_greeted);
    EXPECT_EQ(hung[0].uuid, "11111111-2222-3333-4444-555555555555");
    EXPECT_TRUE(hung[0].domain);
    EXPECT_EQ(hung[1].unsteady, "it is starting");
    source.permit_monitors({hung[0].uuid});
    EXPECT_THROW(source.read_ram_view(hung[0].uuid), MonitorError);
    bad.signal(SIGCONT);
    list_until(source, all_answer, 1s);
}

TEST_F(QmpDeadlinesTest, AMonitorThatAnswersAtLastIsHeardThoughNoOtherGuestIsThere) {
    const Qemu qemu(socket("a"), two_cells);
    QmpSource source = listen();
    const auto answers = [](const auto& guests) {
        return guests.size() == 1 && guests[0].unsteady == "it is starting";
    };
    list_until(source, answers, 30s);
    qemu.signal(SIGSTOP);
    EXPECT_EQ(source.list()[0].unsteady, not_answered_for("0") + not_greeted);
    now += 7s;
    EXPECT_EQ(source.list()[0].unsteady, not_answered_for("7") + not_greeted);
    qemu.signal(SIGCONT);
    list_until(source, answers, 1s);
}

const std::string too_late =
    "QEMU has answered too late on its QMP socket, and is asked again later";

TEST_F(QmpDeadlinesTest, ManyMonitorsThatDoNotAnswerTakeOneDeadlineOfALookTogether) {
    constexpr int guests = 60;
    deadlines.list = 300ms;
    deadlines.greeting = 20s;
    deadlines.recovery = 20s;  // until all have answered once
    std::vector<std::unique_ptr<test::FakeQemu>> slow;
    for (int i = 0; i < guests; ++i)
        slow.push_back(std::make_unique<test::FakeQemu>(
            socket("slow" + std::to_string(i)),
            "11111111-2222-3333-4444-0000000000" + std::to_string(10 + i)));
    test::FakeQemu quick(socket("quick"));
    QmpSource source = listen();
    list_until_steady(source, guests + 1);
    for (const auto& qemu : slow)
        qemu->hold();
    now += qmp_limits::resync;
    const auto begin = std::chrono::steady_clock::now();
    const auto listed = source.list();
    const auto taken = std::chrono::steady_clock::now() - begin;
    EXPECT_GE(taken, deadlines.list);
    EXPECT_LT(taken, guests * deadlines.list / 4);
    ASSERT_EQ(listed.size(), guests + 1U);
    for (const ListedGuest& guest : listed) {
        EXPECT_TRUE(guest.domain);
        EXPECT_EQ(guest.unsteady.empty(), guest.uuid == test::FakeQemu::uuid) << guest.unsteady;
    }
}

TEST_F(QmpDeadlinesTest, AGuestInQuarantineIsNotWaitedForAndKeepsItsDescription) {
    deadlines.list = deadlines.recovery = 300ms;
    deadlines.greeting = 20s;
    test::FakeQemu qemu(socket("a"));
    QmpSource source = listen();
    const ListedGuest before = list_until_steady(source, 1)[0];
    qemu.hold();
    now += qmp_limits::resync;
    EXPECT_EQ(source.list()[0].unsteady, not_answered_for("60"));
    now += 7s;
    auto shortest = std::chrono::steady_clock::duration::max();
    for (int i = 0; i < 5; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        const ListedGuest guest = source.list()[0];
        shortest = std::min(shortest, std::chrono::steady_clock::now() - begin);
        EXPECT_EQ(guest.unsteady, not_answered_for("67"));
        EXPECT_EQ(guest.uuid, before.uuid);
        EXPECT_EQ(guest.domain, before.domain);
        EXPECT_THROW(source.read_write_measurement(guest.uuid), MonitorError);
    }
    EXPECT_LT(shortest, deadlines.list);
}

TEST_F(QmpDeadlinesTest, AGuestThatIsAlwaysLateIsAskedLessAndLessOften) {
    deadlines.list = deadlines.recovery = 200ms;  // QEMU greets by then
    deadlines.greeting = 20s;
    test::FakeQemu qemu(socket("a"));
    QmpSource source = listen();
    list_until_steady(source, 1);
    auto pause = qmp_limits::first_quarantine;
    now += qmp_limits::resync;
    for (int i = 0; i < 6; ++i, pause = std::min(2 * pause, qmp_limits::longest_quarantine)) {
        qemu.hold();
        EXPECT_TRUE(source.list()[0].unsteady.starts_with("QEMU has not answered"));
        qemu.release();
        list_until(source, [](const auto& guests) { return guests[0].unsteady == too_late; });
        qemu.hold();
        now += pause - 1ms;
        EXPECT_EQ(source.list()[0].unsteady, too_late) << "it is not asked";
        now += 1ms;
    }
    qemu.release();
    list_until(
        source, [](const auto& guests) { return guests[0].unsteady.empty(); }, 30s);
}

TEST_F(QmpDeadlinesTest, CallsToMonitorsHaveOneDeadlineForALook) {
    deadlines.call = 200ms;
    deadlines.calls = 320ms;
    std::vector<std::unique_ptr<test::FakeQemu>> hanging;
    for (const char digit : {'0', '1', '2'})
        hanging.push_back(std::make_unique<test::FakeQemu>(
            socket({digit}), std::string("11111111-2222-3333-4444-00000000000") + digit));
    QmpSource source = listen();
    const auto guests = list_until_steady(source, 3);
    for (const auto& qemu : hanging)
        qemu->hold("query-dirty-rate");
    const auto error_of = [&](const ListedGuest& guest) -> std::string {
        try {
            source.read_write_measurement(guest.uuid);
        } catch (const MonitorError& error) {
            return error.what();
        }
        return "";
    };
    for (int i : {0, 1})
        EXPECT_EQ(error_of(guests[static_cast<std::size_t>(i)]),
                  "QEMU has not answered query-dirty-rate in time");
    EXPECT_EQ(error_of(guests[2]),
              "its monitor was not asked, because those of other guests took more than 320 ms");
    const auto after = source.list();
    EXPECT_EQ(after[0].unsteady, too_late);
    EXPECT_EQ(after[1].unsteady, "") << "it had not all of the time";
    EXPECT_EQ(after[2].unsteady, "");
    EXPECT_EQ(error_of(after[0]), "QEMU does not answer on its QMP socket");
}

TEST_F(QmpDeadlinesTest, BothQuestionsForAStateHaveOneDeadlineAndWhoMissesItIsInQuarantine) {
    deadlines.state = 200ms;
    deadlines.call = 20s;
    test::FakeQemu qemu(socket("a"));
    QmpSource source = listen();
    const ListedGuest guest = list_until_steady(source, 1)[0];
    EXPECT_EQ(source.read_state(guest.uuid), RunState::running);
    qemu.hold("query-migrate");
    EXPECT_THROW(source.read_state(guest.uuid), MonitorError);
    EXPECT_EQ(source.list()[0].unsteady, too_late);
}

// Each answers in time, but takes so long that few of them can be asked between two lists.
TEST_F(QmpDeadlinesTest, GuestsThatAreSlowToTellTheirStateLeaveTimeToTheOthers) {
    deadlines.recovery = 0ms;  // all are slow
    deadlines.slow = 0ms;
    test::FakeQemu qemu(socket("a"));
    QmpSource source = listen();
    const ListedGuest guest = list_until_steady(source, 1)[0];
    EXPECT_EQ(source.read_state(guest.uuid), RunState::running) << "it is not known to be slow";
    try {
        source.read_state(guest.uuid);
        ADD_FAILURE() << "it was asked";
    } catch (const MonitorError& error) {
        EXPECT_STREQ(error.what(),
                     "its monitor was not asked, because those of other slow guests took more than "
                     "0 ms");
    }
}

}  // namespace
}  // namespace vnuma
