// Counts the mapped pages of processes on a thread of its own. The kernel walks all pages for that:
// some 30 ns for each, 8 s for 1 TiB of small pages. Processes are counted one after the other.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <optional>

#include "guests/process/process.hpp"
#include "guests/tracking/attribution/page_count.hpp"

namespace vnuma {

// For one calling thread.
class PageCounter {
  public:
    // count() waits for `timeout` and leaves a longer count to a later call. A result is too old
    // to be used `fresh_for` after its end.
    explicit PageCounter(std::chrono::milliseconds timeout,
                         std::chrono::milliseconds fresh_for = std::chrono::seconds(30))
        : timeout_(timeout), fresh_for_(fresh_for) {}

    // The count of this process, or nothing as long as it lasts. Begins a count if there is none,
    // or a new one if the last result is too old. Does not wait while other processes are being
    // counted. `hugetlb_page` is the size of the process' hugetlb pages in bytes.
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
        std::chrono::nanoseconds unpaid{0};  // CPU time of earlier counts whose result was too old
    };
    void start(const std::shared_ptr<const Process>& process, std::uint64_t hugetlb_page,
               std::chrono::nanoseconds unpaid);

    std::chrono::milliseconds timeout_, fresh_for_;
    std::map<std::shared_ptr<const Process>, Running> running_;  // or done, and not yet asked for
    // The last member, so that its thread ends first. Its destructor waits for the kernel's walk,
    // which cannot be interrupted, as the end of the process would.
    boost::asio::thread_pool pool_{1};
};

}  // namespace vnuma
