// How many pages a process has mapped. The kernel walks all of them to tell: some 30 ns for each,
// 8 s for 1 TiB of small ones. So that is done beside the loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string_view>

#include "guests/process.hpp"

namespace vnuma {

struct PageCount {
    std::optional<std::uint64_t> pages;  // nothing: cannot be read
    std::chrono::nanoseconds took{0};    // of CPU time
};

class PageCounting {
  public:
    // A count that takes longer goes on, and a later call has it.
    static constexpr std::chrono::milliseconds patience{20};

    // `hugetlb_page`: size of the process' hugetlb pages, in bytes. Nothing while it is counted.
    std::optional<PageCount> count(const std::shared_ptr<const Process>& process,
                                   std::uint64_t hugetlb_page);
    bool runs() const { return running_.valid(); }
    // What is being counted is of no use any more.
    void abandon() { running_ = {}; }

  private:
    std::future<PageCount> running_;
};

// A huge page counts once, by the text of /proc/PID/smaps_rollup; nothing when that is none. It
// does not tell the size of hugetlb pages, in bytes here. Pure.
std::optional<std::uint64_t> count_pages_of(std::string_view smaps_rollup,
                                            std::uint64_t hugetlb_page);

}  // namespace vnuma
