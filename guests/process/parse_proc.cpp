#include "guests/process/parse_proc.hpp"

#include <algorithm>
#include <charconv>

namespace vnuma {
namespace {

template <typename Number>
std::optional<Number> parse_number(std::string_view text, int base = 10) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

// Removes the text up to the separator from `rest`, and the separator, and returns the text.
std::string_view take(std::string_view& rest, char separator) {
    const std::size_t at = rest.find(separator);
    const std::string_view part = rest.substr(0, at);
    rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
    return part;
}

std::string_view take_field(std::string_view& rest) {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    return take(rest, ' ');
}

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\n");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

// Device and inode, as in "fd:01 1234".
MappedFile take_file(std::string_view& line) {
    std::string_view device = take_field(line);
    const auto major = parse_number<std::uint32_t>(take(device, ':'), 16);
    const auto minor = parse_number<std::uint32_t>(device, 16);
    const auto inode = parse_number<std::uint64_t>(take_field(line));
    if (!major || !minor || !inode) return {};
    return {std::uint64_t{*major} << 32 | *minor, *inode};
}

std::optional<Mapping> parse_mapping(std::string_view line) {
    std::string_view range = take_field(line);
    const auto start = parse_number<std::uint64_t>(take(range, '-'), 16);
    const auto end = parse_number<std::uint64_t>(range, 16);
    const std::string_view mode = take_field(line);
    if (!start || !end || *end <= *start || mode.size() < 4) return std::nullopt;
    take_field(line);  // offset
    const MappedFile file = take_file(line);
    return Mapping{*start, *end, mode[1] == 'w', mode[3] == 's', std::string(trim(line)), file};
}

std::optional<NumaMapping> parse_numa_mapping(std::string_view line) {
    NumaMapping mapping;
    const auto start = parse_number<std::uint64_t>(take_field(line), 16);
    if (!start) return std::nullopt;
    mapping.start = *start;
    mapping.policy = take_field(line);
    std::map<int, std::uint64_t> pages;
    while (!line.empty()) {
        std::string_view value = take_field(line);
        const std::string_view key = take(value, '=');
        const auto number = parse_number<std::uint64_t>(value);
        if (!number) continue;
        if (key == "kernelpagesize_kB") {
            mapping.page_bytes = std::min(*number, max_mapped_bytes / 1024) * 1024;
        } else if (key.size() > 1 && key[0] == 'N') {
            if (const auto node = parse_number<int>(key.substr(1))) pages[*node] = *number;
        }
    }
    for (const auto& [node, count] : pages)
        mapping.bytes[node] =
            std::min(count, max_mapped_bytes / std::max<std::uint64_t>(mapping.page_bytes, 1)) *
            mapping.page_bytes;
    return mapping;
}

std::string_view file_name(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return path.substr(slash == std::string_view::npos ? 0 : slash + 1);
}

}  // namespace

std::optional<pid_t> parse_pid(std::string_view text) {
    const auto pid = parse_number<pid_t>(text);
    return pid && *pid > 0 ? pid : std::nullopt;
}

std::optional<TaskStat> parse_stat(std::string_view text) {
    // proc(5) counts fields from 1: the name is field 2, state 3, starttime 22, processor 39.
    const std::size_t name_begin = text.find('('), name_end = text.rfind(')');
    if (name_begin == std::string_view::npos || name_end == std::string_view::npos ||
        name_end < name_begin)
        return std::nullopt;
    const auto pid = parse_number<int>(trim(text.substr(0, name_begin)));
    if (!pid) return std::nullopt;
    std::string_view rest = trim(text.substr(name_end + 1));
    TaskStat stat;
    stat.pid = *pid;
    stat.name = text.substr(name_begin + 1, name_end - name_begin - 1);
    for (int field = 3; field <= 39; ++field) {
        const std::string_view value = take_field(rest);
        if (value.empty()) return std::nullopt;
        if (field == 3) stat.state = value[0];
        if (field == 22) {
            const auto start = parse_number<std::uint64_t>(value);
            if (!start) return std::nullopt;
            stat.start_time = *start;
        }
        if (field == 39) stat.last_cpu = parse_number<int>(value).value_or(-1);
    }
    return stat;
}

std::optional<SchedStat> parse_schedstat(std::string_view text) {
    text = trim(text);
    const auto run = parse_number<std::uint64_t>(take_field(text));
    const auto wait = parse_number<std::uint64_t>(take_field(text));
    if (!run || !wait) return std::nullopt;
    return SchedStat{*run, *wait};
}

std::optional<std::int64_t> parse_resident_pages(std::string_view statm) {
    take(statm, ' ');  // the size of its address space
    return parse_number<std::int64_t>(take(statm, ' '));
}

std::optional<std::string_view> find_status_field(std::string_view text, std::string_view name) {
    while (!text.empty()) {
        std::string_view line = take(text, '\n');
        const std::string_view key = take(line, ':');
        if (key == name) return trim(line);
    }
    return std::nullopt;
}

std::optional<uid_t> parse_effective_user(std::string_view status) {
    auto users = find_status_field(status, "Uid");  // real, effective, saved and file system user
    if (!users) return std::nullopt;
    take(*users, '\t');
    return parse_number<uid_t>(take(*users, '\t'));
}

namespace {

// The sockets that `is_wanted(inode, path)`.
template <typename Wanted>
std::vector<UnixSocket> unix_sockets(std::string_view text, const Wanted& is_wanted) {
    std::vector<UnixSocket> sockets;
    while (!text.empty()) {
        std::string_view line = take(text, '\n');
        for (int skipped = 0; skipped < 6; ++skipped)
            take_field(line);  // address, users, protocol, flags, type and state
        const auto inode = parse_number<std::uint64_t>(take_field(line));
        if (inode && is_wanted(*inode, line)) sockets.push_back({*inode, std::string(line)});
    }
    return sockets;
}

}  // namespace

std::vector<UnixSocket> parse_unix_sockets(std::string_view text, std::string_view name,
                                           const std::set<std::uint64_t>& inodes) {
    return unix_sockets(text, [&](std::uint64_t inode, std::string_view path) {
        return inodes.contains(inode) && file_name(path) == name;
    });
}

std::vector<UnixSocket> parse_unix_sockets(std::string_view text,
                                           const std::set<std::string_view>& paths) {
    return unix_sockets(text, [&](std::uint64_t, std::string_view path) {
        return !path.empty() && paths.contains(path);
    });
}

bool has_pending_connection(std::string_view text, std::string_view name) {
    while (!text.empty()) {
        std::string_view line = take(text, '\n');
        for (int skipped = 0; skipped < 5; ++skipped)
            take_field(line);  // address, users, protocol, flags and type
        const bool is_pending = take_field(line) == "02";
        take_field(line);  // inode: it has none yet
        if (is_pending && file_name(line) == name) return true;
    }
    return false;
}

std::vector<pid_t> parse_children(std::string_view text, std::size_t limit) {
    std::vector<pid_t> children;
    text = trim(text);
    while (!text.empty() && children.size() < limit) {
        const auto child = parse_number<pid_t>(take_field(text));
        if (!child) break;
        children.push_back(*child);
    }
    return children;
}

std::vector<Mapping> parse_maps(std::string_view text) {
    std::vector<Mapping> mappings;
    while (!text.empty())
        if (auto mapping = parse_mapping(take(text, '\n'))) mappings.push_back(std::move(*mapping));
    return mappings;
}

std::vector<NumaMapping> parse_numa_maps(std::string_view text) {
    std::vector<NumaMapping> mappings;
    while (!text.empty())
        if (auto mapping = parse_numa_mapping(take(text, '\n')))
            mappings.push_back(std::move(*mapping));
    return mappings;
}

std::optional<Cgroup> parse_cgroup(std::string_view text) {
    std::optional<Cgroup> unified;
    while (!text.empty()) {
        // "0::/path" for the unified hierarchy, "4:cpu,cpuset:/path" for one of cgroup v1.
        std::string_view line = take(text, '\n');
        const std::string_view number = take(line, ':');
        std::string_view controllers = take(line, ':');
        if (!line.starts_with('/')) continue;
        if (number == "0" && controllers.empty()) unified = Cgroup{std::string(line), true};
        while (!controllers.empty())
            if (take(controllers, ',') == "cpuset") return Cgroup{std::string(line), false};
    }
    return unified;
}

}  // namespace vnuma
