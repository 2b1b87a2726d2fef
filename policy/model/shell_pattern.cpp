#include "policy/model/shell_pattern.hpp"

namespace vnuma {
namespace {

constexpr auto npos = std::string_view::npos;

bool is_negation(char c) {
    return c == '!' || c == '^';
}

// Length of the set that the pattern begins with, brackets included; 0 if it begins with none. A
// ']' in the first place stands for itself.
std::size_t set_length(std::string_view pattern) {
    if (pattern.size() < 3 || pattern[0] != '[') return 0;
    const std::size_t first = is_negation(pattern[1]) ? 2 : 1;
    const std::size_t end = pattern.find(']', first + 1);
    return end == npos ? 0 : end + 1;
}

// `set` has its brackets.
bool set_contains(std::string_view set, char c) {
    const auto wanted = static_cast<unsigned char>(c);
    const bool negated = is_negation(set[1]);
    bool found = false;
    for (std::size_t at = negated ? 2 : 1; at + 1 < set.size();) {
        const bool is_range = at + 3 < set.size() && set[at + 1] == '-';
        const auto low = static_cast<unsigned char>(set[at]),
                   high = static_cast<unsigned char>(set[is_range ? at + 2 : at]);
        found |= low <= wanted && wanted <= high;
        at += is_range ? 3 : 1;
    }
    return found != negated;
}

// Length of the element that the pattern begins with, if that stands for this byte; otherwise 0.
std::size_t match_one(std::string_view pattern, char c) {
    if (pattern.empty()) return 0;
    if (const std::size_t length = set_length(pattern))
        return set_contains(pattern.substr(0, length), c) ? length : 0;
    return pattern.front() == '?' || pattern.front() == c ? 1 : 0;
}

}  // namespace

bool is_pattern(std::string_view text) {
    return literal_length(text) < text.size();
}

// If the rest does not match, the last star stands for one byte more. Earlier stars need no second
// try: what the last star may skip includes what they would.
bool matches_pattern(std::string_view pattern, std::string_view text) {
    std::size_t in_pattern = 0, in_text = 0, behind_star = npos, star_ends = 0;
    while (in_text < text.size()) {
        if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
            behind_star = ++in_pattern;
            star_ends = in_text;
        } else if (const std::size_t length =
                       match_one(pattern.substr(in_pattern), text[in_text])) {
            in_pattern += length;
            ++in_text;
        } else if (behind_star == npos) {
            return false;
        } else {
            in_pattern = behind_star;
            in_text = ++star_ends;
        }
    }
    return pattern.find_first_not_of('*', in_pattern) == npos;
}

std::size_t literal_length(std::string_view pattern) {
    std::size_t literal = 0;
    while (!pattern.empty()) {
        const std::size_t set = set_length(pattern);
        if (set == 0 && pattern.front() != '*' && pattern.front() != '?') ++literal;
        pattern.remove_prefix(set == 0 ? 1 : set);
    }
    return literal;
}

}  // namespace vnuma
