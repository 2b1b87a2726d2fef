#include "guests/tracking/attribution/page_count.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <charconv>
#include <string>
#include <utility>

#include "guests/process/cpu_time.hpp"
#include "guests/process/parse_proc.hpp"
#include "guests/process/process.hpp"

namespace vnuma {
namespace {

// 1 PiB: times stay far inside 64 bits.
constexpr std::uint64_t max_kib = std::uint64_t{1} << 40;
constexpr std::uint64_t small_page_kib = 4, huge_page_kib = 2048;

std::uint64_t kib_of(std::string_view text, std::string_view name) {
    std::uint64_t kib = 0;
    if (const auto field = find_status_field(text, name))
        std::from_chars(field->data(), field->data() + field->size(), kib);
    return std::min(kib, max_kib);
}

PageCount count_now(const Process& process, std::uint64_t hugetlb_page) {
    const auto start = thread_cpu_time();
    PageCount count;
    count.pages = count_pages_of(process.read("smaps_rollup").value_or(""), hugetlb_page);
    count.took = thread_cpu_time() - start;
    return count;
}

}  // namespace

std::optional<std::uint64_t> count_pages_of(std::string_view smaps_rollup,
                                            std::uint64_t hugetlb_page) {
    if (!find_status_field(smaps_rollup, "Rss")) return std::nullopt;
    std::uint64_t huge = 0;
    for (const char* name : {"AnonHugePages", "ShmemPmdMapped", "FilePmdMapped"})
        huge += kib_of(smaps_rollup, name);
    const std::uint64_t resident = kib_of(smaps_rollup, "Rss");
    const std::uint64_t pool =
        kib_of(smaps_rollup, "Shared_Hugetlb") + kib_of(smaps_rollup, "Private_Hugetlb");
    return (resident - std::min(huge, resident)) / small_page_kib + huge / huge_page_kib +
           pool / std::max(hugetlb_page / 1024, huge_page_kib);
}

void PageCounting::start(const std::shared_ptr<const Process>& process, std::uint64_t hugetlb_page,
                         std::chrono::nanoseconds unpaid) {
    // Nobody comes for those of processes that have ended.
    std::erase_if(running_, [](const auto& running) { return !running.first->alive(); });
    auto task = std::make_shared<std::packaged_task<Done()>>([process, hugetlb_page] {
        const PageCount count = count_now(*process, hugetlb_page);
        return Done{count, std::chrono::steady_clock::now()};
    });
    running_[process] = {task->get_future(), unpaid};
    boost::asio::post(pool_, [task] { (*task)(); });
}

std::optional<PageCount> PageCounting::count(const std::shared_ptr<const Process>& process,
                                             std::uint64_t hugetlb_page) {
    const Time now = std::chrono::steady_clock::now();
    if (!running_.contains(process)) start(process, hugetlb_page, std::chrono::nanoseconds(0));
    const auto patience = running_.size() == 1 ? patience_ : std::chrono::milliseconds(0);
    Running& running = running_.at(process);
    if (running.result.wait_for(patience) != std::future_status::ready) return std::nullopt;
    Done done = running.result.get();
    done.count.cost = done.count.took + running.unpaid;
    running_.erase(process);
    if (done.at + fresh_for_ >= now) return done.count;
    start(process, hugetlb_page, done.count.cost);
    return std::nullopt;
}

}  // namespace vnuma
