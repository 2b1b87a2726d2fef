// Counts the pages that the kernel has marked as written, from entries of /proc/PID/pagemap. Pure.
#pragma once

#include <cstdint>
#include <span>

#include "guests/memory/pagemap.hpp"

namespace vnuma {

struct WrittenPages {
    std::uint64_t present = 0, written = 0;
    // The most mappings that KVM needs for the present pages: one for a huge page, if page frame
    // numbers are visible.
    std::uint64_t mappings = 0;

    WrittenPages& operator+=(const WrittenPages& other);
    friend bool operator==(const WrittenPages&, const WrittenPages&) = default;
};

// Counts the entries of a chunk or of a part of one.
WrittenPages count_written(std::span<const std::uint64_t> entries);

// The share of present pages that were written, from 0 to max_level. Above 0 if one was written.
std::uint16_t level_of(const WrittenPages& pages);

}  // namespace vnuma
