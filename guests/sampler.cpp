#include "guests/sampler.hpp"

#include <time.h>

#include <algorithm>
#include <functional>
#include <tuple>

#include "guests/pfn_host.hpp"

namespace vnuma {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

// What changes rarely is read in one look of so many, another part of the guests each time.
constexpr std::size_t looks_for_all = 8;

constexpr std::chrono::steady_clock::time_point never{};

microseconds thread_cpu_time() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return std::chrono::duration_cast<microseconds>(seconds(now.tv_sec) + nanoseconds(now.tv_nsec));
}

}  // namespace

Sampler::Sampler(std::unique_ptr<Source> source, SamplerSettings settings)
    : source_(std::move(source)), settings_(std::move(settings)) {
    std::string why;
    if (settings_.pagemap && choose_way(probe_pfns(), why).pagemap)
        if (auto table = read_pfn_table(why))
            pagemap_ = std::make_unique<PagemapReader>(std::move(*table));
}

Sample Sampler::sample(const std::set<std::string>& urgent) {
    Sample sample;
    const std::vector<ListedGuest> listed = source_->list();
    const microseconds before = thread_cpu_time();
    sample.time = std::chrono::steady_clock::now();
    ++looks_;
    std::set<std::string> seen;
    for (const ListedGuest& guest : listed) {
        const bool all = (std::hash<std::string>()(guest.uuid) + looks_) % looks_for_all == 0;
        seen.insert(guest.uuid);
        const auto reader = readers_.try_emplace(guest.uuid, settings_.roots).first;
        sample.guests.push_back(reader->second.read(guest, *source_, all));
    }
    std::erase_if(readers_, [&](const auto& entry) { return !seen.contains(entry.first); });
    add_kernel_vhost_threads(sample);
    read_residencies(sample, urgent);
    sample.cpu_time = thread_cpu_time() - before;
    return sample;
}

void Sampler::add_kernel_vhost_threads(Sample& sample) {
    const auto lacks = [](const GuestSample& guest) {
        return guest.uses_vhost && guest.vhost.empty();
    };
    if (std::none_of(sample.guests.begin(), sample.guests.end(), lacks)) return;
    if (looks_ % looks_for_all == 1)
        if (const auto kthreadd = Process::open(2))
            kernel_vhost_ = find_kernel_vhost_threads(*kthreadd);
    for (GuestSample& guest : sample.guests) {
        if (!guest.process || !lacks(guest)) continue;
        const auto [begin, end] = kernel_vhost_.equal_range(guest.process->pid());
        for (auto at = begin; at != end; ++at) {
            ThreadSample& thread = guest.vhost.emplace_back();
            thread.thread = at->second;
            thread.name = "vhost-" + std::to_string(at->first);
        }
    }
}

void Sampler::read_residencies(Sample& sample, const std::set<std::string>& urgent) {
    std::vector<GuestSample*> order;
    for (GuestSample& guest : sample.guests)
        order.push_back(&guest);
    // Those that were never looked at, then those that change under our hands, then by age.
    const auto rank = [&](const GuestSample* guest) {
        const auto time = guest->residency.time;
        return std::tuple(time != never, !urgent.contains(guest->uuid), time);
    };
    std::stable_sort(order.begin(), order.end(),
                     [&](const GuestSample* a, const GuestSample* b) { return rank(a) < rank(b); });
    const PageReaders readers{move_pages_,
                              pagemap_ ? static_cast<PageReader&>(*pagemap_) : move_pages_,
                              pagemap_ ? "pagemap" : "move_pages"};
    const microseconds begin = thread_cpu_time();
    for (GuestSample* guest : order) {
        if (guest == order.front() || thread_cpu_time() - begin < settings_.residency_time)
            readers_.at(guest->uuid).read_residency(*guest, readers, settings_.residency);
        else if (guest->residency.time == never && guest->unsteady.empty())
            guest->unsteady = "its memory has not been looked at yet";
    }
}

}  // namespace vnuma
