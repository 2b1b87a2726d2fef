#include "guests/process/kernel_vhost_threads.hpp"

#include <string>

#include "guests/process/guest_threads.hpp"
#include "guests/process/parse_proc.hpp"
#include "guests/process/thread_roles.hpp"

namespace vnuma {
namespace {

constexpr std::size_t max_kernel_threads = 65536;

}  // namespace

std::multimap<pid_t, pid_t> find_kernel_vhost_threads(const Process& kthreadd) {
    std::multimap<pid_t, pid_t> threads;
    const auto children = kthreadd.read("task/2/children");
    for (const pid_t task : parse_children(children.value_or(""), max_kernel_threads)) {
        // Kernel threads are processes in /proc, next to kthreadd.
        const auto name = kthreadd.read("../" + std::to_string(task) + "/comm");
        if (const auto process = name ? parse_vhost_name(*name) : std::nullopt)
            threads.emplace(*process, task);
    }
    return threads;
}

std::optional<ThreadSample> read_again(const ThreadSample& known) {
    const auto process = Process::open(known.thread);
    auto sample = process ? read_thread(*process, known.thread) : std::nullopt;
    // Another one may have its number by now.
    if (sample && sample->start_time != known.start_time) sample.reset();
    return sample;
}

std::multimap<pid_t, ThreadSample> read_kernel_vhost_threads() {
    std::multimap<pid_t, ThreadSample> threads;
    const auto kthreadd = Process::open(2);
    if (!kthreadd) return threads;
    for (const auto& [owner, task] : find_kernel_vhost_threads(*kthreadd)) {
        const auto thread = Process::open(task);
        auto sample = thread ? read_thread(*thread, task) : std::nullopt;
        if (sample) threads.emplace(owner, std::move(*sample));
    }
    return threads;
}

}  // namespace vnuma
