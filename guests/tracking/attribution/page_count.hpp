// How many pages a process has mapped. The kernel walks all of them to tell: some 30 ns for each,
// 8 s for 1 TiB of small ones. So that is done beside the loop, for one process after the other.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string_view>

#include "guests/process/process.hpp"

namespace vnuma {

struct PageCount {
    std::optional<std::uint64_t> pages;  // nothing: cannot be read
    std::chrono::nanoseconds took{0};    // of CPU time
    std::chrono::nanoseconds cost{0};  // the same, with counts before that nobody came for in time
};

class PageCounting {
  public:
    // A count that takes longer than `patience` goes on, and a later call has it. It is of no use
    // `fresh_for` after its end.
    explicit PageCounting(std::chrono::milliseconds patience,
                          std::chrono::milliseconds fresh_for = std::chrono::seconds(30))
        : patience_(patience), fresh_for_(fresh_for) {}

    // `hugetlb_page`: size of the process' hugetlb pages, in bytes. Nothing while it is counted: is
    // waited for where no other count is under way.
    std::optional<PageCount> count(const std::shared_ptr<const Process>& process,
                                   std::uint64_t hugetlb_page);

  private:
    using Time = std::chrono::steady_clock::time_point;
    struct Done {
        PageCount count;
        Time at;
    };
    struct Running {
        std::future<Done> result;
        std::chrono::nanoseconds unpaid{0};  // took those before, that were of no use
    };
    void start(const std::shared_ptr<const Process>& process, std::uint64_t hugetlb_page,
               std::chrono::nanoseconds unpaid);

    std::chrono::milliseconds patience_, fresh_for_;
    std::map<std::shared_ptr<const Process>, Running> running_;  // or over, and not come for yet
    // Last, so that its thread ends first. That waits for a walk, as the end of vnumad would in any
    // case: the kernel does not break it off.
    boost::asio::thread_pool pool_{1};
};

// A huge page counts once, by the text of /proc/PID/smaps_rollup; nothing when that is none. It
// does not tell the size of hugetlb pages, in bytes here. Pure.
std::optional<std::uint64_t> count_pages_of(std::string_view smaps_rollup,
                                            std::uint64_t hugetlb_page);

}  // namespace vnuma
