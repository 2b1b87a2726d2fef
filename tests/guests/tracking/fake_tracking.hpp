// Runs all of access tracking without the kernel: trackers, fault counter and processes are fake
// and report what the test sets.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "guests/process/process.hpp"
#include "guests/tracking/access_tracking.hpp"
#include "tests/temporary.hpp"

namespace vnuma::test {

using namespace std::chrono_literals;

inline constexpr std::uint64_t chunk = 2 << 20;
inline constexpr std::uint64_t base = 0x7f0000000000;
inline constexpr std::size_t chunks = 8;

// /proc/PID/stat after the PID.
inline constexpr const char* stat_text =
    " (qemu) S 1 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 3 0 777 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 "
    "0";

struct FakeTracker : HeatTracker {
    struct Scan : PendingScan {
        explicit Scan(FakeTracker& tracker) : tracker(tracker) { ++tracker.running; }
        ~Scan() override { --tracker.running; }
        std::optional<HeatScan> finish() override {
            if (!tracker.failure.empty()) throw TrackingError(tracker.failure);
            return tracker.result;
        }
        FakeTracker& tracker;
    };

    const char* name() const override { return "fake"; }
    Ability ability(const GuestSample&) const override {
        return {true, true, false, per_chunk, false, "nothing"};
    }
    std::chrono::microseconds stall(const GuestSample&) const override { return stalls; }
    std::string side_effect() const override { return side_effect_text; }
    std::string unsupported_reason(const GuestSample&) const override { return reason; }
    std::chrono::microseconds estimate(const GuestSample&) const override { return 1ms; }
    std::unique_ptr<PendingScan> begin(const GuestSample&, std::chrono::milliseconds) override {
        if (running == slots) return nullptr;
        ++begun;
        return std::make_unique<Scan>(*this);
    }

    std::string reason, failure, side_effect_text;
    std::optional<HeatScan> result =
        HeatScan{{{base, base + chunk, max_level}, {base + chunk, base + chunks* chunk, 0}},
                 std::nullopt,
                 2ms,
                 ""};
    int slots = 10, running = 0, begun = 0;
    bool per_chunk = true;
    std::chrono::microseconds stalls{0};
};

struct FakeCounter : FaultCounter {
    bool watch(pid_t process, int shift) override {
        watched[process] = shift;
        return true;
    }
    void unwatch(pid_t process) override { watched.erase(process); }
    FaultCounts take() override {
        if (broken) throw std::system_error(EPERM, std::generic_category());
        return std::exchange(counts, {});
    }

    std::map<pid_t, int> watched;
    FaultCounts counts;
    bool broken = false;
};

class TrackingTest : public ::testing::Test {
  protected:
    TrackingTest() {
        settings.page_count_timeout = 10s;  // a tick of a test takes no time, so it may wait
        add_guest("u", 4242);
    }

    void add_guest(const std::string& uuid, pid_t pid) {
        const std::string number = std::to_string(pid);
        directory.write(number + "/stat", number + stat_text);
        directory.write(number + "/clear_refs", "");
        directory.write(number + "/smaps_rollup", "Rss: 4000 kB\nAnonHugePages: 0 kB\n");
        GuestSample guest;
        guest.uuid = uuid;
        auto process = Process::open_recorded(directory.path(number));
        if (process) guest.process = std::make_shared<const Process>(std::move(*process));
        CellSample cell;
        cell.vcpus.resize(2);
        for (int id : {0, 1}) {
            cell.vcpus[static_cast<std::size_t>(id)].id = id;
            cell.vcpus[static_cast<std::size_t>(id)].thread = 100 + id;
        }
        RamBlock block;
        block.host = {base, chunks * chunk};
        block.guest = {{0, chunks * chunk}};
        cell.blocks.push_back(block);
        guest.cells.push_back(cell);
        guests.push_back(guest);
        hints[uuid].wanted = true;
    }

    void start() {
        std::vector<TrackerCandidate> candidates;
        for (const bool first : {true, false})
            candidates.push_back({first ? "first" : "second", [this, first](std::string& why_not) {
                                      auto& there = first ? first_there : second_there;
                                      auto& tracker = first ? best : second;
                                      if (!there) why_not = "not there";
                                      return there ? lend(tracker) : nullptr;
                                  }});
        tracking.emplace(settings, std::move(candidates), [this](std::string& why_not) {
            why_not = counter_there ? "" : "no counter";
            auto made = counter_there ? std::make_unique<FakeCounter>() : nullptr;
            counter = made.get();
            return made;
        });
    }

    // AccessTracking owns the tracker; the test keeps a pointer.
    static std::unique_ptr<HeatTracker> lend(FakeTracker*& tracker) {
        auto made = std::make_unique<FakeTracker>();
        tracker = made.get();
        return made;
    }

    // One tick of 2 s, in which the vCPUs of every guest use this much CPU time.
    Sample tick(std::chrono::milliseconds used = 1000ms) {
        now += 2s;
        Sample sample;
        sample.time = now;
        for (GuestSample& guest : guests)
            guest.cells[0].vcpus[0].run_ns += static_cast<std::uint64_t>(used / 1ns);
        sample.guests = guests;
        tracking->update(sample, hints, [this] { return may_begin; });
        return sample;
    }
    // Runs some ticks, and returns what is known of the first guest.
    const TrackingSample& run(int ticks, std::chrono::milliseconds used = 1000ms) {
        for (int i = 0; i < ticks; ++i)
            last = tick(used);
        return last.guests.at(0).tracking;
    }

    // At most 100 ticks.
    void run_until_a_round_begins() {
        for (int i = 0; i < 100 && clear_refs().empty(); ++i)
            run(1);
    }

    // The content of the process' clear_refs: empty before the first round.
    std::string clear_refs(pid_t pid = 4242) const {
        std::ifstream file(directory.path(std::to_string(pid) + "/clear_refs"));
        return {std::istreambuf_iterator<char>(file), {}};
    }
    // Makes accessors of the guest's memory matter, and allows rounds.
    void wide() { hints["u"].attribute = hints["u"].may_disturb = true; }
    // 100 writes of 1,000 ns each.
    static FaultCounts faults_of(int vcpu, std::uint64_t bucket) {
        return {{{4242, 100 + vcpu, 0, bucket, true, 100}}, 0, 1000ns};
    }

    TemporaryDirectory directory;
    TrackingSettings settings;
    bool first_there = true, second_there = true, counter_there = true, may_begin = true;
    FakeTracker *best = nullptr, *second = nullptr;
    FakeCounter* counter = nullptr;
    std::vector<GuestSample> guests;
    std::map<std::string, TrackingHint> hints;
    std::chrono::steady_clock::time_point now{1000s};
    std::optional<AccessTracking> tracking;
    Sample last;
};

}  // namespace vnuma::test
