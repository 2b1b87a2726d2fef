// The account of one round of induced faults: what the round took down, what has faulted again
// since, and what that has cost so far. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace vnuma {

// Page faults of one guest since the last call. Dropped ones were too many to be counted by place.
struct FaultSums {
    std::uint64_t reads = 0, writes = 0, dropped = 0;
    std::uint64_t counted() const { return reads + writes; }
    std::uint64_t all() const { return counted() + dropped; }
};

class RoundAccount {
  public:
    using Time = std::chrono::steady_clock::time_point;

    // What is known when the round begins.
    struct Opening {
        Time began{};
        std::uint64_t pages = 0;             // mapped pages, all of which were taken down
        std::uint64_t expected = 0;          // pages that are expected to fault again
        std::chrono::microseconds stall{0};  // wall-clock time for which the guest stood still
        std::chrono::nanoseconds stalled_vcpus{0};  // CPU time that its vCPUs lost by that
        std::chrono::nanoseconds cost{0};           // CPU time spent so far, the vCPUs' included
    };

    // Before the first round: nothing was taken down, and faults cost nothing.
    RoundAccount() = default;
    explicit RoundAccount(const Opening& opening)
        : opening_(opening),
          open_(true),
          uncharged_pages_(opening.pages),
          unreported_stall_(opening.stalled_vcpus),
          cost_(opening.cost) {}

    // Adds faults and returns the CPU time that the round's share of them takes. As many faults as
    // the round took down pages are its share, however late they come; all others would have
    // happened anyway.
    std::chrono::nanoseconds add(const FaultSums& faults, std::chrono::nanoseconds fault_time);

    // From now on faults say nothing about how many pages the round has brought back: they may as
    // well be NUMA balancing's.
    void close() { open_ = false; }

    // The time the vCPUs stood still, on the first call only.
    std::chrono::nanoseconds take_unreported_stall() {
        return std::exchange(unreported_stall_, std::chrono::nanoseconds(0));
    }

    Time began() const { return opening_.began; }
    std::uint64_t pages() const { return opening_.pages; }
    std::uint64_t expected() const { return opening_.expected; }
    std::chrono::microseconds stall() const { return opening_.stall; }
    std::chrono::nanoseconds cost() const { return cost_; }

    // Faults while the account was open.
    std::uint64_t faults() const { return faults_; }
    // Pages that faulted again while the account was open, at least: a page that is first read and
    // then written faults twice.
    std::uint64_t refaulted_pages() const { return std::max(reads_, writes_); }
    // All expected pages but a sixteenth.
    bool nearly_all_refaulted() const {
        return expected() > 0 && refaulted_pages() >= expected() - expected() / 16;
    }
    // Dropped faults since the round began, open or not.
    std::uint64_t dropped() const { return dropped_; }

  private:
    Opening opening_{};
    bool open_ = false;
    std::uint64_t reads_ = 0, writes_ = 0, faults_ = 0;
    std::uint64_t dropped_ = 0;
    std::uint64_t uncharged_pages_ = 0;  // pages taken down whose fault has not been charged yet
    std::chrono::nanoseconds unreported_stall_{0};
    std::chrono::nanoseconds cost_{0};
};

}  // namespace vnuma
