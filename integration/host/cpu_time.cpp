#include "integration/host/cpu_time.hpp"

#include <unistd.h>

#include <sstream>

#include "integration/host/files.hpp"

namespace vnuma::lab {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

// The children of kthreadd, the parent of all kernel threads.
constexpr const char* kernel_threads = "/proc/2/task/2/children";

// proc(5) lists the fields; they are counted from the state, which follows the name.
constexpr int fields_before_utime = 11;

std::string directory_of(pid_t pid) {
    return "/proc/" + std::to_string(pid);
}

// The first number in schedstat is the time on a CPU, in ns.
nanoseconds run_time_of(pid_t pid) {
    long long ns = 0;
    std::istringstream(read_text(directory_of(pid) + "/schedstat")) >> ns;
    return nanoseconds(ns);
}

}  // namespace

microseconds cpu_time_of(pid_t pid) {
    const std::string stat = read_text(directory_of(pid) + "/stat");
    const std::size_t name_end = stat.rfind(')');
    if (name_end == std::string::npos) return microseconds(0);
    std::istringstream fields(stat.substr(name_end + 1));
    std::string skipped;
    for (int i = 0; i < fields_before_utime; ++i)
        fields >> skipped;
    long long utime = 0, stime = 0;
    fields >> utime >> stime;
    return microseconds((utime + stime) * 1'000'000 / ::sysconf(_SC_CLK_TCK));
}

KernelThreadTime::KernelThreadTime(std::string name_prefix) : name_prefix_(std::move(name_prefix)) {
    update(true);
}

void KernelThreadTime::update() {
    update(false);
}

void KernelThreadTime::update(bool first) {
    std::istringstream children(read_text(kernel_threads));
    for (pid_t pid = 0; children >> pid;) {
        const auto [known, is_new] = threads_.try_emplace(pid);
        Thread& thread = known->second;
        if (is_new)
            thread.counts = read_text(directory_of(pid) + "/comm").starts_with(name_prefix_);
        if (!thread.counts) continue;
        // If the thread has ended, 0 is read, and the earlier time stays.
        thread.now = std::max(thread.now, run_time_of(pid));
        if (is_new && first) thread.before = thread.now;
    }
}

nanoseconds KernelThreadTime::used() const {
    nanoseconds sum{0};
    for (const auto& [pid, thread] : threads_)
        sum += thread.now - thread.before;
    return sum;
}

}  // namespace vnuma::lab
