// Which guests the view lists, and in which order. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/control/protocol/guests.hpp"

namespace vnuma::ctl::top {

enum class SortKey { doing, name, cpu, memory, locality, moves, to_move };

inline constexpr std::array<std::pair<SortKey, const char*>, 7> sort_keys{{
    {SortKey::doing, "doing"},
    {SortKey::name, "name"},
    {SortKey::cpu, "CPU"},
    {SortKey::memory, "memory"},
    {SortKey::locality, "locality"},
    {SortKey::moves, "moves"},
    {SortKey::to_move, "to move"},
}};

constexpr const char* name(SortKey key) {
    return sort_keys[static_cast<std::size_t>(key)].second;
}
SortKey next(SortKey key);

// Without `reversed` the guests come first that need an eye most: those that are being moved, use
// most, or have the lowest locality. Names are sorted from A to Z.
struct GuestOrder {
    SortKey key = SortKey::doing;
    bool reversed = false;
};

// Whether name, UUID, state or what is being done contains the text. Letters of ASCII are the same
// in both cases.
bool passes(const control::GuestSummary& guest, std::string_view filter);

// Indices of those that pass. Guests that are equal in the order are sorted by name and UUID.
std::vector<std::size_t> order_guests(const std::vector<control::GuestSummary>& guests,
                                      std::string_view filter, const GuestOrder& order);

}  // namespace vnuma::ctl::top
