#include "guests/discovery/known_threads.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace vnuma {
namespace {

// Whether a thread with this name, as in /proc, belongs to a pool for I/O.
bool is_for_io(const std::string& name) {
    return name == "worker\n" || name.starts_with("iou-wrk-");
}

}  // namespace

void KnownThreads::set(std::vector<pid_t> threads) {
    threads_ = std::move(threads);
    std::sort(threads_.begin(), threads_.end());
}

// The numbers of threads that have ended are forgotten: others may have them later.
bool KnownThreads::has_new(const Process& process) {
    std::vector<pid_t> known;
    bool found = false;
    for (const pid_t thread : process.tasks()) {
        bool is_known = std::binary_search(threads_.begin(), threads_.end(), thread);
        if (!is_known) {
            const auto name = process.read("task/" + std::to_string(thread) + "/comm");
            is_known = !name || is_for_io(*name);  // without a name it has just ended
        }
        if (is_known)
            known.push_back(thread);
        else
            found = true;
    }
    set(std::move(known));
    return found;
}

}  // namespace vnuma
