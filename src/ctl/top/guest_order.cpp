#include "src/ctl/top/guest_order.hpp"

#include <algorithm>
#include <cstdint>
#include <tuple>

#include "src/ctl/top/figures.hpp"

namespace vnuma::ctl::top {
namespace {

using control::GuestSummary;

char to_lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool contains(std::string_view text, std::string_view part) {
    return std::search(text.begin(), text.end(), part.begin(), part.end(),
                       [](char a, char b) { return to_lower(a) == to_lower(b); }) != text.end();
}

// The smaller ones come first.
std::int64_t weigh(const GuestSummary& guest, SortKey key) {
    switch (key) {
        case SortKey::doing:
            return static_cast<std::int64_t>(guest.doing);
        case SortKey::name:
            return 0;
        case SortKey::cpu:
            return -guest.cpu_use;
        case SortKey::memory:
            return -sum(guest.memory);
        case SortKey::locality:
            return guest.locality;
        case SortKey::moves:
            return -guest.moved_per_second;
        case SortKey::to_move:
            return -guest.to_move;
    }
    return 0;
}

}  // namespace

SortKey next(SortKey key) {
    return sort_keys[(static_cast<std::size_t>(key) + 1) % sort_keys.size()].first;
}

bool passes(const GuestSummary& guest, std::string_view filter) {
    return filter.empty() || contains(guest.name, filter) || contains(guest.uuid, filter) ||
           contains(guest.state, filter) || contains(name(guest.doing), filter);
}

std::vector<std::size_t> order_guests(const std::vector<GuestSummary>& guests,
                                      std::string_view filter, const GuestOrder& order) {
    std::vector<std::pair<std::int64_t, std::size_t>> weighed;
    for (std::size_t i = 0; i < guests.size(); ++i)
        if (passes(guests[i], filter)) weighed.emplace_back(weigh(guests[i], order.key), i);
    std::sort(weighed.begin(), weighed.end(), [&](const auto& a, const auto& b) {
        const GuestSummary &first = guests[a.second], &second = guests[b.second];
        return std::tie(a.first, first.name, first.uuid) <
               std::tie(b.first, second.name, second.uuid);
    });
    if (order.reversed) std::reverse(weighed.begin(), weighed.end());
    std::vector<std::size_t> shown;
    shown.reserve(weighed.size());
    for (const auto& [weight, index] : weighed)
        shown.push_back(index);
    return shown;
}

}  // namespace vnuma::ctl::top
