#include "guests/tracking/dirty_rate/dirty_rate_tracker.hpp"

#include <gtest/gtest.h>

#include "guests/discovery/guest_source.hpp"
#include "guests/model/listed_guest.hpp"

namespace vnuma {
namespace {

using namespace std::chrono_literals;
using State = WriteMeasurement::State;

class MeasuringSource : public GuestSource {
  public:
    const char* name() const override { return "libvirt"; }
    std::vector<ListedGuest> list() override { return {}; }
    RunState read_state(const std::string&) override { return RunState::running; }
    bool may_ask_monitor() const override { return false; }
    void permit_monitors(std::set<std::string>) override {}
    RamView read_ram_view(const std::string&) override { throw MonitorError("none"); }
    bool start_write_measurement(const std::string& uuid, std::chrono::seconds duration) override {
        if (!refusal.empty()) throw MonitorError(refusal);
        if (last.state == State::running) return false;
        started.emplace_back(uuid, duration);
        last = {State::running, "page-sampling", duration, std::nullopt};
        return true;
    }
    WriteMeasurement read_write_measurement(const std::string&) override {
        if (!refusal.empty()) throw MonitorError(refusal);
        return last;
    }
    std::size_t hung_calls() const override { return 0; }

    WriteMeasurement last;
    std::vector<std::pair<std::string, std::chrono::seconds>> started;
    std::string refusal;
};

class DirtyRateTest : public testing::Test {
  protected:
    DirtyRateTest() {
        guest.uuid = "guest";
        guest.cells.resize(1);
        guest.cells[0].vcpus.resize(2);
        guest.cells[0].size = std::int64_t{3} << 30;
    }
    std::string error_of(const std::function<void()>& action) {
        try {
            action();
        } catch (const TrackingError& error) {
            return error.what();
        }
        return "";
    }

    MeasuringSource source;
    std::chrono::steady_clock::time_point now{1h};
    DirtyRateTracker tracker{source, [this] { return now; }};
    GuestSample guest;
};

TEST_F(DirtyRateTest, AScanHasNoResultBeforeQemuHasMeasured) {
    const auto pending = tracker.begin(guest, 2500ms);
    ASSERT_TRUE(pending);
    EXPECT_EQ(source.started.at(0), std::make_pair(std::string("guest"), 3s))
        << "QEMU measures whole seconds";
    EXPECT_FALSE(pending->finish());
    source.last.state = State::none;
    EXPECT_FALSE(pending->finish()) << "QEMU has not begun yet";
    source.last = {State::done, "page-sampling", 3s, 40};
    const auto scan = pending->finish();
    ASSERT_TRUE(scan);
    EXPECT_EQ(scan->writes->all, 40U);
    EXPECT_TRUE(scan->writes->by_vcpu.empty());
    EXPECT_TRUE(scan->accessed.empty());
    EXPECT_EQ(scan->cost, 3 * 1024 * 2us);
    EXPECT_EQ(tracker.estimate(guest), scan->cost);
}

TEST_F(DirtyRateTest, ADirtyRingHasRatesPerVcpuAndACostPerWrittenPage) {
    const auto pending = tracker.begin(guest, 2s);
    source.last = {State::done, "dirty-ring", 2s, 10, {{0, 8}, {1, 2}}};
    const auto scan = pending->finish();
    EXPECT_EQ(scan->writes->by_vcpu, (std::map<int, std::uint64_t>{{0, 8}, {1, 2}}));
    EXPECT_EQ(scan->cost, 20 * 256 * 3us);
}

TEST_F(DirtyRateTest, AMeasurementOfAnotherProgramIsAnError) {
    source.last.state = State::running;
    EXPECT_NE(error_of([&] { tracker.begin(guest, 1s); }).find("another program"),
              std::string::npos);
}

TEST_F(DirtyRateTest, NoScanBeginsBeforeTheMeasurementOfAnAbandonedScanEnds) {
    tracker.begin(guest, 2s);
    now += 1s;
    EXPECT_EQ(tracker.begin(guest, 2s), nullptr);
    now += 1s;
    source.last.state = State::done;
    EXPECT_NE(tracker.begin(guest, 2s), nullptr);
}

TEST_F(DirtyRateTest, AScanThatFailsHasAReason) {
    const auto pending = tracker.begin(guest, 1s);
    now += DirtyRateTracker::max_delay;
    EXPECT_FALSE(pending->finish());
    now += 1s;
    EXPECT_THROW(pending->finish(), TrackingError);
    source.last = {State::done, "page-sampling", 1s, std::nullopt};
    EXPECT_THROW(pending->finish(), TrackingError);
    source.last.state = State::none;
    EXPECT_THROW(pending->finish(), TrackingError);
    source.refusal = "its monitor does not answer";
    EXPECT_EQ(error_of([&] { pending->finish(); }), source.refusal);
    EXPECT_EQ(error_of([&] { tracker.begin(guest, 1s); }), source.refusal);
}

TEST_F(DirtyRateTest, AGuestWithoutVcpusIsNeverMeasured) {
    EXPECT_EQ(tracker.unsupported_reason(guest), "");
    guest.cells[0].vcpus.clear();
    EXPECT_NE(tracker.unsupported_reason(guest), "");
    EXPECT_THROW(tracker.begin(guest, 1s), TrackingError);
    EXPECT_TRUE(source.started.empty()) << "QEMU 7.2 would crash";
}

TEST_F(DirtyRateTest, ADirtyRingIsExpectedToCostMoreThanSampling) {
    const auto sampled = tracker.estimate(guest);
    EXPECT_GT(sampled, 0us);
    Domain domain;
    domain.dirty_ring = true;
    guest.domain = std::make_shared<const Domain>(domain);
    EXPECT_GT(tracker.estimate(guest), sampled);
}

}  // namespace
}  // namespace vnuma
