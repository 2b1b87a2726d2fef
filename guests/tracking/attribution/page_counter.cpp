#include "guests/tracking/attribution/page_counter.hpp"

#include <boost/asio/post.hpp>
#include <utility>

#include "guests/process/cpu_time.hpp"

namespace vnuma {
namespace {

PageCount count_now(const Process& process, std::uint64_t hugetlb_page) {
    const auto start = thread_cpu_time();
    PageCount count;
    count.pages = count_pages_of(process.read("smaps_rollup").value_or(""), hugetlb_page);
    count.took = thread_cpu_time() - start;
    return count;
}

}  // namespace

void PageCounter::start(const std::shared_ptr<const Process>& process, std::uint64_t hugetlb_page,
                        std::chrono::nanoseconds unpaid) {
    // Counts of processes that have ended are not asked for any more.
    std::erase_if(running_, [](const auto& running) { return !running.first->alive(); });
    auto task = std::make_shared<std::packaged_task<Done()>>([process, hugetlb_page] {
        const PageCount count = count_now(*process, hugetlb_page);
        return Done{count, std::chrono::steady_clock::now()};
    });
    running_[process] = {task->get_future(), unpaid};
    boost::asio::post(pool_, [task] { (*task)(); });
}

std::optional<PageCount> PageCounter::count(const std::shared_ptr<const Process>& process,
                                            std::uint64_t hugetlb_page) {
    const Time now = std::chrono::steady_clock::now();
    if (!running_.contains(process)) start(process, hugetlb_page, std::chrono::nanoseconds(0));
    const auto timeout = running_.size() == 1 ? timeout_ : std::chrono::milliseconds(0);
    Running& running = running_.at(process);
    if (running.result.wait_for(timeout) != std::future_status::ready) return std::nullopt;
    Done done = running.result.get();
    done.count.cost = done.count.took + running.unpaid;
    running_.erase(process);
    if (done.at + fresh_for_ >= now) return done.count;
    start(process, hugetlb_page, done.count.cost);
    return std::nullopt;
}

}  // namespace vnuma
