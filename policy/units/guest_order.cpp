#include "policy/units/guest_order.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace vnuma {
namespace {

// The first bytes of a text as a number. Texts with different numbers compare like the numbers.
std::uint64_t prefix_of(const std::string& text) {
    std::uint64_t prefix = 0;
    for (std::size_t i = 0; i < sizeof prefix; ++i)
        prefix = prefix << 8 | (i < text.size() ? static_cast<unsigned char>(text[i]) : 0U);
    return prefix;
}

}  // namespace

// Compares prefixes first, so that with thousands of guests most UUIDs are read only once.
std::vector<const GuestState*> sorted_by_uuid(const std::vector<GuestState>& guests) {
    std::vector<std::pair<std::uint64_t, const GuestState*>> keyed;
    keyed.reserve(guests.size());
    for (const GuestState& guest : guests)
        keyed.emplace_back(prefix_of(guest.uuid), &guest);
    std::sort(keyed.begin(), keyed.end(), [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first < b.first : a.second->uuid < b.second->uuid;
    });
    std::vector<const GuestState*> sorted;
    sorted.reserve(guests.size());
    for (const auto& [prefix, guest] : keyed)
        sorted.push_back(guest);
    return sorted;
}

}  // namespace vnuma
