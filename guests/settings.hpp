// What can be set of the way guests are found and read.
#pragma once

#include <array>
#include <chrono>
#include <string>
#include <utility>

#include "guests/process.hpp"

namespace vnuma {

struct LibvirtSettings {
    std::string uri = "qemu:///system";
    // Where libvirt keeps a file NAME.pid for each running domain; it has no call that tells a pid.
    std::string pid_directory = "/run/libvirt/qemu";
    bool ask_monitor = true;  // where sizes do not tell a guest's cells apart
};

enum class ResidencyMode {
    automatic,    // summed for guests that are read quickly, incremental for others
    summed,       // the kernel's own sums for all mappings; nothing of single chunks
    full,         // every page in each look
    incremental,  // one page of each chunk and all pages of some chunks in each look
    sampled,      // one page of each chunk, another one each time
};

inline constexpr std::array<std::pair<ResidencyMode, const char*>, 5> residency_modes{{
    {ResidencyMode::automatic, "auto"},
    {ResidencyMode::summed, "summed"},
    {ResidencyMode::full, "full"},
    {ResidencyMode::incremental, "incremental"},
    {ResidencyMode::sampled, "sampled"},
}};

constexpr const char* name(ResidencyMode mode) {
    return residency_modes[static_cast<std::size_t>(mode)].second;
}

struct SamplerSettings {
    ResidencyMode residency = ResidencyMode::automatic;
    bool pagemap = false;  // read residency from pagemap where that is possible
    // CPU time that reading residency may take in one look. Guests it does not suffice for keep
    // what was found before, and are next.
    std::chrono::microseconds residency_time{40'000};
    Roots roots{};
};

}  // namespace vnuma
