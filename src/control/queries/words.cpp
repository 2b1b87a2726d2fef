#include "src/control/queries/words.hpp"

#include <algorithm>

#include "policy/model/number_list.hpp"

namespace vnuma::control {
namespace {

constexpr Bytes gib = 1024 * mib;

bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || c == '/' || c == ':' || c == '=' || c == ',';
}

// Programs are written as their own manuals write them, also at the begin of a sentence.
bool begins_with_name(const std::string& text) {
    const std::string word = text.substr(0, text.find_first_of(" ,:'"));
    for (const char* name : {"vnumad", "vnumactl", "libvirt", "numad", "tuned", "irqbalance"})
        if (word == name) return true;
    return false;
}

// With one digit behind the point, unless that is 0 or there are three digits before it.
std::string tenths_text(long long tenths) {
    std::string text = std::to_string(tenths / 10);
    if (tenths < 1000 && tenths % 10 != 0) text += "." + std::to_string(tenths % 10);
    return text;
}

std::string milliseconds_text(Cost cost) {
    return cost < 10'000 ? std::to_string(cost) + " ms" : tenths_text(cost / 100) + " s";
}

}  // namespace

std::string sentence(std::string text) {
    if (text.empty()) return text;
    if (text.front() >= 'a' && text.front() <= 'z' && !begins_with_name(text))
        text.front() = static_cast<char>(text.front() - 'a' + 'A');
    if (text.back() != '.') text += '.';
    return text;
}

std::string clause(std::string text) {
    while (!text.empty() && text.back() == '.')
        text.pop_back();
    return text;
}

std::string size_text(Bytes bytes) {
    if (bytes <= 0) return "0 MiB";
    if (bytes < mib) return "less than 1 MiB";
    if (bytes < gib) return std::to_string(bytes / mib) + " MiB";
    const Bytes whole = bytes / gib;
    return tenths_text(whole * 10 + (bytes % gib) * 10 / gib) + " GiB";
}

std::string percent_text(PerMille share) {
    PerMille percent = (share + 5) / 10;
    if (share < 1000) percent = std::min<PerMille>(percent, 99);
    if (share > 0) percent = std::max<PerMille>(percent, 1);
    return std::to_string(percent) + " %";
}

std::string time_text(Millis time) {
    const Millis seconds = std::max<Millis>((time + 999) / 1000, 0);
    const auto two = [](Millis first, const char* unit, Millis second, const char* lesser) {
        std::string text = std::to_string(first) + unit;
        if (second > 0) text += " " + std::to_string(second) + lesser;
        return text;
    };
    if (seconds < 120) return std::to_string(seconds) + " s";
    if (seconds < 7200) return two(seconds / 60, " min", seconds % 60, " s");
    return two(seconds / 3600, " h", seconds % 3600 / 60, " min");
}

std::string cost_text(Cost cost) {
    return milliseconds_text(cost) + " of CPU time";
}

std::string cost_text(Cost cost, Cost instead_of) {
    return cost_text(cost) + " instead of " + milliseconds_text(instead_of);
}

std::string count_text(long long count, const std::string& noun) {
    return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string nodes_text(const std::vector<int>& nodes) {
    if (nodes.empty()) return "no node";
    return (nodes.size() == 1 ? "node " : "nodes ") + format_number_list(nodes);
}

std::string join(const std::vector<std::string>& parts, const char* last) {
    std::string text;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i > 0) text += i + 1 == parts.size() ? last : ", ";
        text += parts[i];
    }
    return text;
}

std::string shell_word(const std::string& word) {
    if (!word.empty() && std::all_of(word.begin(), word.end(), is_plain)) return word;
    std::string quoted = "'";
    for (const char c : word)
        quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

}  // namespace vnuma::control
