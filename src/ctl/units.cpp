#include "src/ctl/units.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <limits>

namespace vnuma::ctl {
namespace {

constexpr double most_bytes = static_cast<double>(std::int64_t{1} << 62);
constexpr std::int64_t most_ms = std::int64_t{1} << 53;
constexpr std::array<const char*, 6> size_units{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};

struct TimeUnit {
    std::string_view name;
    std::int64_t ms;
};
constexpr std::array<TimeUnit, 5> printed_units{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"min", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<TimeUnit, 6> parsed_units{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"min", 60'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// Takes a number without a sign off the text.
std::optional<double> take_number(std::string_view& text) {
    if (text.empty() || !is_digit(text[0])) return std::nullopt;
    double number = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

char small(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// The exponent of 1024; nothing for no unit. "K", "KB" and "KiB" mean the same here.
std::optional<int> size_unit(std::string_view text) {
    while (!text.empty() && text[0] == ' ')
        text.remove_prefix(1);
    if (text.empty()) return 0;
    std::string unit;
    for (const char c : text)
        unit += small(c);
    if (unit == "b") return 0;
    constexpr std::string_view letters = "kmgt";
    const std::size_t exponent = letters.find(unit[0]);
    const std::string_view rest = std::string_view(unit).substr(1);
    if (exponent == std::string_view::npos || !(rest.empty() || rest == "b" || rest == "ib"))
        return std::nullopt;
    return static_cast<int>(exponent) + 1;
}

std::tm local_time(std::int64_t ms) {
    const auto seconds = static_cast<std::time_t>(ms / 1000);
    std::tm parts{};
    ::localtime_r(&seconds, &parts);
    return parts;
}

std::string format_parts(const std::tm& parts, const char* format) {
    std::array<char, 64> text{};
    return {text.data(), std::strftime(text.data(), text.size(), format, &parts)};
}

std::optional<std::int64_t> parse_local_time(const std::string& text, std::int64_t now_ms) {
    for (const char* format : {"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M",
                               "%Y-%m-%d", "%H:%M:%S", "%H:%M"}) {
        std::tm parts{};
        if (format[1] == 'H') {
            parts = local_time(now_ms);
            parts.tm_sec = 0;
        }
        const char* end = ::strptime(text.c_str(), format, &parts);
        if (!end || *end != '\0') continue;
        parts.tm_isdst = -1;
        const std::time_t time = std::mktime(&parts);
        if (time != -1) return static_cast<std::int64_t>(time) * 1000;
    }
    return std::nullopt;
}

}  // namespace

std::optional<Bytes> parse_size(std::string_view text) {
    const auto number = take_number(text);
    const auto unit = size_unit(text);
    if (!number || !unit) return std::nullopt;
    const double bytes = std::ldexp(*number, *unit * 10);
    if (bytes > most_bytes) return std::nullopt;
    return static_cast<Bytes>(std::llround(bytes));
}

std::string format_size(Bytes bytes) {
    double value = static_cast<double>(bytes);
    std::size_t unit = 0;
    // 1023.96 would be printed as 1024.0.
    while (value >= 1023.5 && unit + 1 < size_units.size()) {
        value /= 1024;
        ++unit;
    }
    const bool is_whole = value >= 99.95 || std::abs(value - std::round(value)) < 0.05;
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), is_whole ? "%.0f %s" : "%.1f %s", value,
                  size_units[unit]);
    return text.data();
}

std::string format_rate(Bytes bytes_per_second) {
    return bytes_per_second > 0 ? format_size(bytes_per_second) + "/s" : "-";
}

std::optional<std::int64_t> parse_duration(std::string_view text) {
    if (text.empty()) return std::nullopt;
    double total = 0;
    std::int64_t last = std::numeric_limits<std::int64_t>::max();
    while (!text.empty()) {
        const auto number = take_number(text);
        if (!number) return std::nullopt;
        std::size_t length = 0;
        while (length < text.size() && text[length] >= 'a' && text[length] <= 'z')
            ++length;
        const std::string_view name = text.substr(0, length);
        std::int64_t unit = 0;
        for (const TimeUnit& one : parsed_units)
            if (one.name == name) unit = one.ms;
        // A number without a unit is seconds if it stands alone.
        if (name.empty() && text.empty() && last == std::numeric_limits<std::int64_t>::max())
            unit = 1000;
        if (unit == 0 || unit >= last) return std::nullopt;
        total += *number * static_cast<double>(unit);
        last = unit;
        text.remove_prefix(length);
        while (!text.empty() && text[0] == ' ')
            text.remove_prefix(1);
    }
    if (total > static_cast<double>(most_ms)) return std::nullopt;
    return std::llround(total);
}

std::string format_duration(std::int64_t ms) {
    if (ms <= 0) return "0s";
    std::string text;
    int units = 0;
    for (const TimeUnit& unit : printed_units) {
        const std::int64_t count = ms / unit.ms;
        ms %= unit.ms;
        if (count == 0) {
            if (units > 0) break;
            continue;
        }
        if (unit.ms == 1 && units > 0) break;
        text += (text.empty() ? "" : " ") + std::to_string(count) + std::string(unit.name);
        if (++units == 2) break;
    }
    return text;
}

std::string format_share(PerMille share) {
    // Rounded, but neither all nor nothing is said of what is only nearly so.
    auto percent = (share + 5) / 10;
    if (share < 1000 && percent >= 100) percent = 99;
    if (share > 0 && percent == 0) percent = 1;
    return std::to_string(percent) + " %";
}

std::string format_cpus(MilliCpu cpus) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f", static_cast<double>(cpus) / 1000);
    return text.data();
}

std::string format_time(std::int64_t ms_since_1970) {
    return format_parts(local_time(ms_since_1970), "%Y-%m-%d %H:%M:%S");
}

std::string format_time_of_day(std::int64_t ms_since_1970) {
    return format_parts(local_time(ms_since_1970), "%H:%M:%S");
}

std::optional<std::int64_t> parse_since(std::string_view text, std::int64_t now_ms) {
    std::optional<std::int64_t> time;
    if (const auto ago = parse_duration(text))
        time = now_ms - *ago;
    else
        time = parse_local_time(std::string(text), now_ms);
    if (!time || *time > now_ms) return std::nullopt;
    return *time < 0 ? 0 : *time;
}

}  // namespace vnuma::ctl
