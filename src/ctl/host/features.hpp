// What vnumad makes of a host. Pure.
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "src/ctl/host/host_facts.hpp"

namespace vnuma::ctl {

enum class FeatureState {
    good,
    limited,  // vnumad works, but does or knows less
    missing,  // vnumad cannot work
};

inline constexpr std::array<std::pair<FeatureState, const char*>, 3> feature_states{{
    {FeatureState::good, "good"},
    {FeatureState::limited, "limited"},
    {FeatureState::missing, "missing"},
}};

constexpr const char* name(FeatureState state) {
    return feature_states[static_cast<std::size_t>(state)].second;
}

struct Feature {
    std::string name;
    FeatureState state = FeatureState::good;
    std::string found;   // what there is, or what is missing and what follows from that
    std::string remedy;  // a command or, where none mends it, advice; empty if neither helps

    friend bool operator==(const Feature&, const Feature&) = default;
};

// In the order of what they need: the machine, the kernel, other software.
std::vector<Feature> judge_host(const HostFacts& facts);

}  // namespace vnuma::ctl
