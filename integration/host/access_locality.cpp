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
// One page in sixteen is sampled.
constexpr std::uint64_t stride = 16 * page_bytes;
constexpr std::uint64_t some_address = 16 << 20;
constexpr int processor_field = 37;  // of /proc/PID/stat, counted from the state

// The address at which QEMU has mapped guest-physical address 0. The memory of lab guests ends
// below the PCI hole, so that it is one range.
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
    throw std::runtime_error("the node of thread " + std::to_string(thread) + " is unknown");
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
        VcpuPages& vcpu = vcpus_.emplace_back();
        vcpu.thread = threads.at(entry.at("cpu"));
        std::uint64_t next = 0;    // offset in the window of the next sampled page
        std::uint64_t before = 0;  // bytes of the window in earlier ranges
        for (const json& range : entry.at("ranges")) {
            const std::uint64_t from = range.at(0), bytes = range.at(1);
            for (; next < before + bytes; next += stride)
                vcpu.pages.push_back(start + from + (next - before));
            before += bytes;
        }
    }
    if (vcpus_.empty()) throw std::runtime_error(guest.name() + " accesses no memory");
}

double AccessLocality::local_share() const {
    double sum = 0;
    for (const VcpuPages& vcpu : vcpus_) {
        const int node = node_of_thread(pid_, vcpu.thread);
        const std::vector<int> nodes = nodes_of(pid_, vcpu.pages);
        sum += static_cast<double>(std::count(nodes.begin(), nodes.end(), node)) /
               static_cast<double>(std::max<std::size_t>(nodes.size(), 1));
    }
    return sum / static_cast<double>(vcpus_.size());
}

}  // namespace vnuma::lab
