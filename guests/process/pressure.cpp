#include "guests/process/pressure.hpp"

#include <charconv>
#include <cmath>
#include <system_error>

#include "guests/process/files.hpp"
#include "guests/process/parse_proc.hpp"

namespace vnuma {
namespace {

// Takes `name`, the number behind it and the character behind that.
template <typename Number>
std::optional<Number> take_field(std::string_view& text, std::string_view name) {
    if (!text.starts_with(name)) return std::nullopt;
    Number number{};
    const char* const end = text.data() + text.size();
    const auto [behind, error] = std::from_chars(text.data() + name.size(), end, number);
    if (error != std::errc() || behind == end) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(behind - text.data()) + 1);
    return number;
}

bool is_percentage(const std::optional<double>& number) {
    return number && *number >= 0 && *number <= 100;
}

}  // namespace

// "some avg10=1.23 avg60=0.12 avg300=0.01 total=12345"
std::optional<Pressure> parse_pressure(std::string_view text) {
    const auto last_10_s = take_field<double>(text, "some avg10=");
    const auto last_minute = take_field<double>(text, "avg60=");
    const auto last_5_minutes = take_field<double>(text, "avg300=");
    const auto total = take_field<std::uint64_t>(text, "total=");
    if (!is_percentage(last_10_s) || !is_percentage(last_minute) ||
        !is_percentage(last_5_minutes) || !total)
        return std::nullopt;
    return Pressure{std::llround(*last_10_s * 10), std::llround(*last_minute * 10),
                    std::chrono::microseconds(*total)};
}

std::optional<Pressure> read_stalls(const Process& process, pid_t vcpu_thread,
                                    const std::string& cgroup_root) {
    const auto text = process.read("task/" + std::to_string(vcpu_thread) + "/cgroup");
    const auto cgroup = text ? parse_cgroup(*text) : std::nullopt;
    if (!cgroup || !cgroup->unified) return std::nullopt;
    const std::size_t name = cgroup->path.rfind('/') + 1;
    if (cgroup->path.compare(name, 4, "vcpu") != 0) return std::nullopt;
    Pressure sum;
    for (const char* file : {"/io.pressure", "/memory.pressure"}) {
        const auto content = read_small_file(cgroup_root + cgroup->path + file);
        const auto pressure = content ? parse_pressure(*content) : std::nullopt;
        if (!pressure) return std::nullopt;
        sum.last_10_s += pressure->last_10_s;
        sum.last_minute += pressure->last_minute;
        sum.total += pressure->total;
    }
    return sum;
}

}  // namespace vnuma
