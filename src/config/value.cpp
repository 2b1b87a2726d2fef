#include "src/config/value.hpp"

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>

#include "policy/model/number_list.hpp"

namespace vnuma::config_text {
namespace {

using Units = std::vector<std::pair<std::string, std::int64_t>>;  // ascending; the first prints

const Units time_units{{"ms", 1}, {"s", 1000}, {"min", 60'000}, {"h", 3'600'000}};
const Units size_units{
    {"M", mib}, {"MiB", mib}, {"G", 1024 * mib}, {"GiB", 1024 * mib}, {"T", 1024 * 1024 * mib}};

std::optional<std::int64_t> find_unit(const Units& units, std::string_view name) {
    for (const auto& [unit, factor] : units)
        if (unit == name) return factor;
    return std::nullopt;
}

// Writes the value in the largest unit that divides it.
std::string with_unit(std::int64_t value, const Units& units) {
    std::string text = std::to_string(value / units.front().second) + units.front().first;
    for (const auto& [unit, factor] : units)
        if (value != 0 && value % factor == 0 && unit.find("iB") == std::string::npos)
            text = std::to_string(value / factor) + unit;
    return text;
}

// A whole number and a unit in a string.
Value scaled(const Units& units, const char* example, std::int64_t least, std::int64_t most,
             std::function<void(std::int64_t)> store, std::function<std::int64_t()> load) {
    const std::string range = with_unit(least, units) + " to " + with_unit(most, units);
    auto set = [=](const toml::node& node) -> std::string {
        const auto text = node.is_string() ? node.value<std::string>() : std::nullopt;
        std::int64_t number = 0;
        const char* const end = text ? text->data() + text->size() : nullptr;
        const auto parsed = text ? std::from_chars(text->data(), end, number)
                                 : std::from_chars_result{end, std::errc::invalid_argument};
        const auto unit = parsed.ec == std::errc()
                              ? find_unit(units, std::string_view(parsed.ptr, end))
                              : std::nullopt;
        if (!unit) return std::string("must be a string with a number and a unit, like ") + example;
        if (number < 0 || number > most / *unit || number * *unit < least)
            return "must be from " + range;
        store(number * *unit);
        return "";
    };
    auto print = [=]() -> std::optional<std::string> { return quote(with_unit(load(), units)); };
    return {std::move(set), std::move(print), range};
}

template <typename Target>
Value share_of(Target& target) {
    auto set = [&target](const toml::node& node) -> std::string {
        const auto number = node.is_number() ? node.value<double>() : std::nullopt;
        const bool in_range = number && *number >= 0 && *number < 1;
        const PerMille value = in_range ? std::llround(*number * 1000) : 1000;
        if (value >= 1000) return "must be a number from 0 to below 1, like 0.125";
        target = static_cast<Target>(value);
        return "";
    };
    auto print = [&target]() -> std::optional<std::string> {
        std::string digits = std::to_string(1000 + target).substr(1);
        while (digits.size() > 1 && digits.back() == '0')
            digits.pop_back();
        return "0." + digits;
    };
    return {std::move(set), std::move(print), "0 to below 1"};
}

std::optional<std::string> print_whole(const std::optional<int>& target) {
    return target ? std::optional(std::to_string(*target)) : std::nullopt;
}

template <typename Target>
Value whole_of(Target& target, int least, int most) {
    const std::string range = std::to_string(least) + " to " + std::to_string(most);
    auto set = [&target, least, most, range](const toml::node& node) -> std::string {
        const auto number = node.is_integer() ? node.value<std::int64_t>() : std::nullopt;
        if (!number || *number < least || *number > most)
            return "must be a whole number from " + range;
        target = static_cast<int>(*number);
        return "";
    };
    return {std::move(set), [&target] { return print_whole(target); }, range};
}

Value list_of_nodes(std::optional<std::vector<int>>& target,
                    std::optional<std::vector<int>> (*parse)(std::string_view), std::string problem,
                    std::string range) {
    auto set = [&target, parse, problem](const toml::node& node) -> std::string {
        auto nodes = node.is_string() ? parse(*node.value<std::string>()) : std::nullopt;
        if (!nodes) return problem;
        target = std::move(nodes);
        return "";
    };
    auto print = [&target]() -> std::optional<std::string> {
        if (!target) return std::nullopt;
        return quote(format_number_list(*target));
    };
    return {std::move(set), std::move(print), std::move(range)};
}

// Nothing before 1970, and where there is no such date.
std::optional<std::int64_t> ms_since_1970(const toml::date_time& time) {
    using namespace std::chrono;
    const year_month_day date{year(time.date.year), month(time.date.month), day(time.date.day)};
    if (!time.offset || !date.ok()) return std::nullopt;
    const auto since = sys_days(date).time_since_epoch() + hours(time.time.hour) +
                       minutes(time.time.minute) + seconds(time.time.second) -
                       minutes(time.offset->minutes);
    const std::int64_t ms =
        duration_cast<milliseconds>(since).count() + time.time.nanosecond / 1'000'000;
    return ms >= 0 && ms <= max_time_ms ? std::optional(ms) : std::nullopt;
}

}  // namespace

Value duration(std::chrono::milliseconds& target, std::chrono::milliseconds least,
               std::chrono::milliseconds most) {
    return scaled(
        time_units, "\"2s\"", least.count(), most.count(),
        [&](std::int64_t ms) { target = std::chrono::milliseconds(ms); },
        [&] { return std::int64_t{target.count()}; });
}

Value duration_ms(Millis& target, std::chrono::milliseconds least, std::chrono::milliseconds most) {
    return scaled(
        time_units, "\"2s\"", least.count(), most.count(), [&](std::int64_t ms) { target = ms; },
        [&] { return target; });
}

Value size(Bytes& target, Bytes least, Bytes most) {
    return scaled(
        size_units, "\"256M\"", least, most, [&](std::int64_t bytes) { target = bytes; },
        [&] { return target; });
}

Value share(PerMille& target) {
    return share_of(target);
}

Value share(int& target) {
    return share_of(target);
}

Value text(std::string& target) {
    Value value = text_or_empty(target);
    value.set = [set = value.set](const toml::node& node) -> std::string {
        if (node.value<std::string>() == "") return "must not be empty";
        return set(node);
    };
    value.print = [&target]() -> std::optional<std::string> {
        return target.empty() ? std::nullopt : std::optional(quote(target));
    };
    return value;
}

Value text_or_empty(std::string& target) {
    auto set = [&target](const toml::node& node) -> std::string {
        if (!node.is_string()) return "must be a string";
        target = *node.value<std::string>();
        return "";
    };
    return {std::move(set), [&target] { return std::optional(quote(target)); }, ""};
}

Value text_list(std::vector<std::string>& target, std::string range) {
    auto set = [&target](const toml::node& node) -> std::string {
        const toml::array* list = node.as_array();
        if (!list || list->empty()) return "must be a list of strings";
        std::vector<std::string> texts;
        for (const toml::node& one : *list) {
            if (!one.is_string()) return "must be a list of strings";
            if (texts.emplace_back(*one.value<std::string>()).empty())
                return "must have no empty string";
        }
        target = std::move(texts);
        return "";
    };
    return {std::move(set), [&target] { return std::optional(quote(target)); }, std::move(range)};
}

Value flag(bool& target) {
    auto set = [&target](const toml::node& node) -> std::string {
        if (!node.is_boolean()) return "must be true or false";
        target = *node.value<bool>();
        return "";
    };
    auto print = [&target] { return std::optional(std::string(target ? "true" : "false")); };
    return {std::move(set), std::move(print), "`true`, `false`"};
}

Value whole(std::optional<int>& target, int least, int most) {
    return whole_of(target, least, most);
}

Value whole(int& target, int least, int most) {
    return whole_of(target, least, most);
}

Value node_list(std::optional<std::vector<int>>& target) {
    return list_of_nodes(target, parse_node_list, "must be a list of nodes like \"0-1,3\"",
                         "a list: `\"0-1,3\"`, `\"0-7,^2\"`");
}

Value node_sequence(std::optional<std::vector<int>>& target) {
    return list_of_nodes(target, parse_node_sequence,
                         "must be one node for all cells, or one for each: \"0\", \"1,0\"",
                         "a node for each cell in their order, `\"1,0\"`, or one for all, `\"0\"`");
}

Value point_in_time(std::optional<std::int64_t>& target) {
    auto set = [&target](const toml::node& node) -> std::string {
        std::optional<std::int64_t> ms;
        if (const auto* whole = node.as_integer()) ms = whole->get();
        if (const auto* time = node.as_date_time()) ms = ms_since_1970(time->get());
        if (!ms || *ms < 0 || *ms > max_time_ms)
            return "must be a date and time with an offset, like 2026-12-01T14:30:00Z, or "
                   "milliseconds since 1970";
        target = ms;
        return "";
    };
    auto print = [&target] { return target ? std::optional(print_time(*target)) : std::nullopt; };
    return {std::move(set), std::move(print), "`2026-12-01T14:30:00Z`, milliseconds since 1970"};
}

std::string print_time(std::int64_t ms_since_1970) {
    using namespace std::chrono;
    const sys_time<milliseconds> time{milliseconds(ms_since_1970)};
    const year_month_day date(floor<days>(time));
    const hh_mm_ss clock(time - floor<days>(time));
    char text[64];
    std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", int(date.year()),
                  unsigned(date.month()), unsigned(date.day()), int(clock.hours().count()),
                  int(clock.minutes().count()), int(clock.seconds().count()));
    std::string printed = text;
    if (const auto ms = static_cast<int>(clock.subseconds().count()); ms != 0)
        printed += "." + std::to_string(1000 + ms).substr(1);
    return printed + "Z";
}

std::string quote(const std::string& text) {
    return nlohmann::json(text).dump();  // JSON's escapes are among TOML's
}

std::string quote(const std::vector<std::string>& texts) {
    std::string list;
    for (const std::string& text : texts)
        list += (list.empty() ? "" : ", ") + quote(text);
    return "[" + list + "]";
}

}  // namespace vnuma::config_text
