#include "integration/scenarios/stuck_guest.hpp"

#include <sys/mount.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

#include "integration/host/files.hpp"
#include "integration/host/process.hpp"

namespace vnuma::lab {
namespace {

// What KVM has counted of a guest since it started, by the counter's name.
std::map<std::string, std::uint64_t> kvm_counters(pid_t pid) {
    const std::filesystem::path debugfs = "/sys/kernel/debug", kvm = debugfs / "kvm";
    if (!std::filesystem::exists(kvm)) ::mount("debugfs", debugfs.c_str(), "debugfs", 0, nullptr);
    std::map<std::string, std::uint64_t> counters;
    for (const auto& guest : std::filesystem::directory_iterator(kvm)) {
        if (!guest.path().filename().string().starts_with(std::to_string(pid) + "-")) continue;
        for (const auto& entry : std::filesystem::directory_iterator(guest))
            if (entry.is_regular_file())
                counters[entry.path().filename()] =
                    std::strtoull(read_text(entry.path()).c_str(), nullptr, 10);
    }
    return counters;
}

}  // namespace

void print_what_vcpus_do(const Guest& guest) {
    const std::string output = "/tmp/registers";
    const auto before = kvm_counters(guest.pid());
    for (int sample = 0; sample < 6; ++sample) {
        std::filesystem::remove(output);
        run_program(
            {"virsh", "-q", "qemu-monitor-command", guest.name(), "--hmp", "info registers -a"},
            output);
        std::istringstream lines(read_text(output));
        for (std::string line; std::getline(lines, line);)
            if (line.starts_with("CPU#") || line.starts_with("RIP=") || line.starts_with("CR0="))
                std::cout << "soak:   " << line << "\n";
    }
    for (const auto& [name, count] : kvm_counters(guest.pid())) {
        const auto old = before.find(name);
        if (old != before.end() && old->second != count)
            std::cout << "soak:   " << name << " " << old->second << " -> " << count << "\n";
    }
}

}  // namespace vnuma::lab
