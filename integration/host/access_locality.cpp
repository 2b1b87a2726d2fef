#include "integration/host/access_locality.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <stdexcept>

#include "integration/host/files.hpp"

namespace vnuma::lab {
namespace {

using nlohmann::json;

constexpr std::uint64_t page_bytes = 4096;
// One page in sixteen stands for all.
constexpr std::uint64_t stride = 16 * page_bytes;
constexpr std::uint64_t some_address = 16 << 20;
constexpr int processor_field = 37;  // of /proc/PID/stat, behind the state

// Where QEMU has guest-physical address 0. Guests of the lab stay below the hole for devices.
std::uint64_t memory_start(DirectGuest& guest) {
    const std::string answer = guest.execute(
        "human-monitor-command", {{"command-line", "gpa2hva " + std::to_string(some_address)}});
    const auto at = answer.rfind("0x");
    if (at == std::string::npos) throw std::runtime_error("gpa2hva: " + answer);
    return std::stoull(answer.substr(at), nullptr, 16) - some_address;
}

int last_cpu(pid_t pid, pid_t thread) {
    const std::string stat =
        read_text("/proc/" + std::to_string(pid) + "/task/" + std::to_string(thread) + "/stat");
    std::istringstream words(stat.substr(std::min(stat.rfind(')') + 1, stat.size())));
    std::string word;
    for (int i = 0; i < processor_field && words >> word; ++i) {
    }
    return word.empty() ? -1 : std::stoi(word);
}

int node_of_thread(pid_t pid, pid_t thread) {
    const int cpu = last_cpu(pid, thread);
    for (const int node : online_nodes()) {
        const std::vector<int> cpus = node_cpus(node);
        if (std::find(cpus.begin(), cpus.end(), cpu) != cpus.end()) return node;
    }
    throw std::runtime_error("nobody knows where thread " + std::to_string(thread) + " runs");
}

std::vector<int> nodes_of(pid_t pid, const std::vector<std::uint64_t>& pages) {
    std::vector<void*> addresses;
    addresses.reserve(pages.size());
    for (const std::uint64_t page : pages)
        addresses.push_back(reinterpret_cast<void*>(page));
    std::vector<int> nodes(pages.size(), -1);
    if (::syscall(SYS_move_pages, pid, pages.size(), addresses.data(), nullptr, nodes.data(), 0) <
        0)
        throw std::runtime_error(std::string("move_pages: ") + std::strerror(errno));
    return nodes;
}

}  // namespace

AccessLocality::AccessLocality(DirectGuest& guest, const json& truth) : pid_(guest.pid()) {
    const std::uint64_t start = memory_start(guest);
    const auto threads = guest.vcpu_threads();
    for (const json& entry : truth) {
        if (entry.at("thread").is_null()) continue;
        AccessThread& thread = threads_.emplace_back();
        thread.thread = threads.at(entry.at("cpu"));
        std::uint64_t next = 0;  // of the window, over all of its ranges
        std::uint64_t before = 0;
        for (const json& range : entry.at("ranges")) {
            const std::uint64_t from = range.at(0), bytes = range.at(1);
            for (; next < before + bytes; next += stride)
                thread.pages.push_back(start + from + (next - before));
            before += bytes;
        }
    }
    if (threads_.empty()) throw std::runtime_error(guest.name() + " touches nothing");
}

double AccessLocality::local_share() const {
    double sum = 0;
    for (const AccessThread& thread : threads_) {
        const int node = node_of_thread(pid_, thread.thread);
        const std::vector<int> nodes = nodes_of(pid_, thread.pages);
        sum += static_cast<double>(std::count(nodes.begin(), nodes.end(), node)) /
               static_cast<double>(std::max<std::size_t>(nodes.size(), 1));
    }
    return sum / static_cast<double>(threads_.size());
}

}  // namespace vnuma::lab
