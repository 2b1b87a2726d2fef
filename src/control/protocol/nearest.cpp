#include "src/control/protocol/nearest.hpp"

#include <algorithm>
#include <limits>

namespace vnuma::control {

std::size_t edit_distance(std::string_view a, std::string_view b) {
    a = a.substr(0, max_compared_bytes);
    b = b.substr(0, max_compared_bytes);
    // Rows of the table of distances between prefixes: the last two and the one that is made.
    std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
        }
        before.swap(last);
        last.swap(row);
    }
    return last[b.size()];
}

std::string nearest_name(std::string_view text, const std::vector<std::string>& names) {
    if (text.empty()) return "";
    for (const std::string& name : names)
        if (name.starts_with(text)) return name;
    std::string nearest;
    std::size_t least = std::numeric_limits<std::size_t>::max();
    for (const std::string& name : names) {
        const std::size_t distance = edit_distance(text, name);
        if (distance >= least) continue;
        least = distance;
        nearest = name;
    }
    return least <= std::max<std::size_t>(1, text.size() / 3) ? nearest : "";
}

}  // namespace vnuma::control
