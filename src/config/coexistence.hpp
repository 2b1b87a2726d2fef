// What vnumad does while something else on the host places the vCPUs or the memory of guests too.
#pragma once

#include <array>
#include <cstddef>
#include <utility>

namespace vnuma {

enum class Handling {
    share,   // goes on as without it
    yield,   // leaves to it what it places
    refuse,  // acts on no guest
};

inline constexpr std::array<std::pair<Handling, const char*>, 3> handlings{{
    {Handling::share, "share"},
    {Handling::yield, "yield"},
    {Handling::refuse, "refuse"},
}};

constexpr const char* name(Handling handling) {
    return handlings[static_cast<std::size_t>(handling)].second;
}

struct Coexistence {
    Handling numa_balancing = Handling::share;
    Handling numad = Handling::refuse;
    Handling ksm = Handling::share;
    Handling kubelet = Handling::yield;
    Handling tuned = Handling::share;
    Handling irqbalance = Handling::share;
};

}  // namespace vnuma
