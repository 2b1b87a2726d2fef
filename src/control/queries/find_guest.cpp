#include "src/control/queries/find_guest.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "guests/process/process.hpp"
#include "policy/model/uuid.hpp"
#include "src/control/protocol/nearest.hpp"
#include "src/control/queries/words.hpp"

namespace vnuma::control {
namespace {

std::optional<int> parse_number(const std::string& text) {
    int number = 0;
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, number);
    if (parsed.ec != std::errc() || parsed.ptr != end || number < 0) return std::nullopt;
    return number;
}

template <typename Fits>
std::vector<std::size_t> find_all(const std::vector<GuestSample>& guests, Fits fits) {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < guests.size(); ++i)
        if (fits(guests[i])) found.push_back(i);
    return found;
}

std::string quoted(const std::string& name) {
    return "\"" + name + "\"";
}

Refused refuse_several(const std::vector<GuestSample>& guests,
                       const std::vector<std::size_t>& found, const std::string& name) {
    std::vector<std::string> uuids;
    for (const std::size_t i : found)
        if (uuids.size() < max_listed_uuids) uuids.push_back(guests[i].uuid);
    std::string text = std::to_string(found.size()) + " guests are called " + quoted(name) +
                       ": name one by its UUID, " + join(uuids, " or ");
    if (found.size() > uuids.size())
        text += " (and " + std::to_string(found.size() - uuids.size()) + " more)";
    return {invalid_argument, text};
}

Refused refuse_unknown(const std::vector<GuestSample>& guests, const std::string& name,
                       const std::string& list_problem) {
    std::vector<std::string> names;
    names.reserve(guests.size());
    for (const GuestSample& guest : guests)
        names.push_back(guest.name);
    std::string text = "there is no guest " + quoted(name);
    const std::string nearest = nearest_name(name, names);
    if (!nearest.empty()) text += "; did you mean " + quoted(nearest) + "?";
    if (!list_problem.empty())
        text += (nearest.empty() ? ", and" : " And") + std::string(" not all guests are known: ") +
                list_problem;
    return {guest_not_found, text};
}

}  // namespace

std::variant<std::size_t, Refused> find_guest(const Tick& tick, const std::string& name) {
    if (!tick.look)
        return Refused{is_blind,
                       tick.blind.empty()
                           ? "vnumad has not looked at the guests yet; ask again"
                           : "vnumad could not see the guests in its last look: " + tick.blind};
    const std::vector<GuestSample>& guests = tick.sample().guests;
    std::vector<std::size_t> found =
        find_all(guests, [&](const GuestSample& guest) { return guest.name == name; });
    if (found.size() > 1) return refuse_several(guests, found, name);
    const std::string uuid = normalize_guest_name(name);
    if (found.empty())
        found = find_all(guests, [&](const GuestSample& guest) {
            return guest.uuid == name || guest.uuid == uuid;
        });
    const auto number = found.empty() ? parse_number(name) : std::nullopt;
    if (number)
        found = find_all(guests, [&](const GuestSample& guest) { return guest.id == number; });
    if (number && found.empty())
        found = find_all(guests, [&](const GuestSample& guest) {
            return guest.process && guest.process->pid() == *number;
        });
    if (found.empty()) return refuse_unknown(guests, name, tick.list_problem);
    return found.front();
}

}  // namespace vnuma::control
