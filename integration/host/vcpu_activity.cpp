#include "integration/host/vcpu_activity.hpp"

#include <sys/mount.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>

#include "integration/host/files.hpp"

namespace vnuma::lab {
namespace {

constexpr int samples = 6;

// What KVM has counted of a guest since it started, by the counter's name.
std::map<std::string, std::uint64_t> kvm_counters(pid_t pid) {
    const std::filesystem::path debugfs = "/sys/kernel/debug", kvm = debugfs / "kvm";
    if (!std::filesystem::exists(kvm)) ::mount("debugfs", debugfs.c_str(), "debugfs", 0, nullptr);
    std::map<std::string, std::uint64_t> counters;
    std::error_code error;  // where the kernel has no debugfs
    for (const auto& guest : std::filesystem::directory_iterator(kvm, error)) {
        if (!guest.path().filename().string().starts_with(std::to_string(pid) + "-")) continue;
        for (const auto& entry : std::filesystem::directory_iterator(guest))
            if (entry.is_regular_file())
                counters[entry.path().filename()] =
                    std::strtoull(read_text(entry.path()).c_str(), nullptr, 10);
    }
    return counters;
}

}  // namespace

std::string vcpu_activity(pid_t pid, const std::function<std::string()>& read_registers) {
    std::string text;
    const auto before = kvm_counters(pid);
    for (int i = 0; i < samples; ++i) {
        std::istringstream lines(read_registers());
        for (std::string line; std::getline(lines, line);)
            if (line.starts_with("CPU#") || line.find("IP=") == 1 || line.starts_with("CR0="))
                text += line + "\n";
    }
    for (const auto& [name, count] : kvm_counters(pid)) {
        const auto old = before.find(name);
        if (old != before.end() && old->second != count)
            text +=
                name + " " + std::to_string(old->second) + " -> " + std::to_string(count) + "\n";
    }
    return text;
}

bool has_state_of_host(const std::string& activity, std::uint64_t guest_bytes) {
    for (std::size_t at = 0; (at = activity.find(" CR3=", at)) != std::string::npos;) {
        at += 5;
        if (std::strtoull(activity.c_str() + at, nullptr, 16) >= guest_bytes) return true;
    }
    return false;
}

}  // namespace vnuma::lab
