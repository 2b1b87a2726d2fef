// Which parts of a guest's memory did not move when that was tried, and until when they are left
// alone. A page that something holds (VFIO, RDMA, fixed buffers of io_uring) costs as much as a
// page that moves, each time. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>

#include "policy/model/types.hpp"

namespace vnuma {

// The memory of one cell or shard, on its way to one node. The times that it is given must not
// decrease.
class FailingRanges {
  public:
    using Time = std::chrono::steady_clock::time_point;

    // Ranges that are remembered: 64 GiB of 2 MiB each, in some 3 MiB. Those beyond are tried each
    // time.
    static constexpr std::size_t max_ranges = 32 * 1024;
    // A range is left alone for this time after its first failure. Each further one doubles it.
    static constexpr std::chrono::seconds first_wait{2}, longest_wait{640};
    // A few pages are busy at any moment. A range has failed when so many small pages of it stayed.
    static constexpr int most_busy_pages = 16;

    // Ranges of this many bytes of QEMU's address space, each at a multiple of that: the size of a
    // huge page.
    explicit FailingRanges(std::uint64_t range_bytes) : range_bytes_(range_bytes) {}

    // A page stayed where it was. `stands_for_all`: no other page of its range was tried, and the
    // range has failed with this one.
    void add(std::uint64_t address, bool stands_for_all, Time now);

    // A huge page has moved, and with it whatever was in its range.
    void forget(std::uint64_t address) { ranges_.erase(address / range_bytes_); }

    // Whether the range of the address is left alone.
    bool waits(std::uint64_t address, Time now) const;
    // Whether it has failed before. So many of its pages tell whether it still does.
    bool has_failed(std::uint64_t address) const;
    static constexpr int probe_pages = most_busy_pages + 1;
    bool in_one_range(std::uint64_t a, std::uint64_t b) const {
        return a / range_bytes_ == b / range_bytes_;
    }
    std::uint64_t end_of_range(std::uint64_t address) const {
        return (address / range_bytes_ + 1) * range_bytes_;
    }

    // All ranges that are left alone, and the time when the first of them is tried again.
    struct Waiting {
        Bytes bytes = 0;
        Time until = Time::max();
    };
    Waiting waiting(Time now) const;

    std::size_t size() const { return ranges_.size(); }

  private:
    struct Range {
        int busy_pages = 0;  // small pages that stayed since the last failure
        int failures = 0;
        Time until{};
    };

    std::uint64_t range_bytes_;
    std::map<std::uint64_t, Range> ranges_;  // by address / range_bytes_
};

}  // namespace vnuma
