// A DamonTracker on a FakeDamon, and guests for it.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "guests/memory/chunk_residency.hpp"
#include "guests/process/process.hpp"
#include "guests/tracking/damon/damon_tracker.hpp"
#include "tests/guests/tracking/damon/fake_damon.hpp"

namespace vnuma::test {

inline constexpr std::uint64_t ram_base = 0x7f0000000000;
inline constexpr std::chrono::milliseconds scan_duration{2'000};

inline std::string mark_file(std::size_t kdamond) {
    return std::to_string(kdamond) + "/contexts/0/monitoring_attrs/intervals/update_us";
}

inline GuestSample guest_of(const std::vector<RamRange>& ranges, pid_t pid = ::getpid()) {
    GuestSample guest;
    guest.process = std::make_shared<const Process>(*Process::open(pid));
    guest.cells.resize(2);
    for (std::size_t i = 0; i < ranges.size(); ++i) {
        RamBlock block;
        block.host = ranges[i];
        guest.cells[i % 2].blocks.push_back(block);
    }
    return guest;
}

inline GuestSample small_guest(std::uint64_t chunks = 10) {
    return guest_of({{ram_base, chunks * chunk_bytes}, {2 * ram_base, chunk_bytes}});
}

// Forwards to a FakeDamon of the test, since the tracker owns its files.
class ForwardingFiles : public DamonFiles {
  public:
    explicit ForwardingFiles(FakeDamon& fake) : fake_(fake) {}
    DamonFileText read(const std::string& file) override { return fake_.read(file); }
    int write(const std::string& file, std::string_view text) override {
        return fake_.write(file, text);
    }
    std::vector<std::string> list(const std::string& directory, std::size_t limit) override {
        return fake_.list(directory, limit);
    }
    void pause(std::chrono::milliseconds time) override { fake_.pause(time); }
    std::optional<std::chrono::nanoseconds> cpu_time(pid_t thread) override {
        return fake_.cpu_time(thread);
    }
    void set_nice(pid_t thread, int nice) override { fake_.set_nice(thread, nice); }

  private:
    FakeDamon& fake_;
};

class DamonTrackerTest : public testing::Test {
  protected:
    std::unique_ptr<DamonTracker> make() {
        return std::make_unique<DamonTracker>(std::make_unique<ForwardingFiles>(fake),
                                              std::chrono::seconds(1));
    }
    // The error of making a tracker, or "none".
    std::string error_of_making() {
        try {
            make();
        } catch (const TrackingError& error) {
            return error.what();
        }
        return "none";
    }
    // The error of beginning a scan, or "none".
    std::string error_of_beginning(DamonTracker& tracker, const GuestSample& guest) {
        try {
            tracker.begin(guest, scan_duration);
        } catch (const TrackingError& error) {
            return error.what();
        }
        return "none";
    }
    void mark_kdamond(std::size_t kdamond, const std::string& text) {
        fake.write_as_other_program(std::to_string(kdamond) + "/contexts/nr_contexts", "1");
        fake.write_as_other_program(mark_file(kdamond), text);
    }
    FakeDamon fake;
};

}  // namespace vnuma::test
