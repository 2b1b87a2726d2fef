#include "src/observe/memory_limits.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>

#include "guests/process/files.hpp"
#include "guests/process/pressure.hpp"

namespace vnuma {
namespace {

constexpr Bytes small_page = 4096;
constexpr Bytes max_pages = Bytes{1} << 40;  // 4 PiB; no host has more

// The lines of a text; calls `each` until it returns false.
template <typename Each>
void for_each_line(std::string_view text, Each each) {
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        if (!each(line)) return;
        text.remove_prefix(std::min(line.size() + 1, text.size()));
    }
}

// A line "NAME VALUE", with blanks around both.
std::optional<Bytes> value_of(std::string_view line, std::string_view name) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != ' ')
        return std::nullopt;
    line.remove_prefix(name.size());
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    Bytes value = 0;
    const char* const end = line.data() + line.size();
    const auto [behind, error] = std::from_chars(line.data(), end, value);
    if (error != std::errc() || behind != end || value < 0) return std::nullopt;
    return value;
}

Bytes read_count(const std::string& file) {
    const auto text = read_small_file(file);
    Bytes count = 0;
    if (!text || !(std::istringstream(*text) >> count) || count < 0 || count > max_pages)
        throw HostError(file + ": cannot be read, or has no number");
    return count;
}

}  // namespace

std::optional<Bytes> parse_high_watermark(std::string_view zoneinfo, int node_id) {
    const std::string begin = "Node " + std::to_string(node_id) + ", zone ";
    bool of_node = false, found = false;
    Bytes pages = 0;
    for_each_line(zoneinfo, [&](std::string_view line) {
        if (line.starts_with("Node ")) of_node = line.starts_with(begin);
        const auto high = of_node ? value_of(line, "high") : std::nullopt;
        if (!high) return true;
        found = true;
        pages += std::min(*high, max_pages + 1);
        return pages <= max_pages;
    });
    return found && pages <= max_pages ? std::optional(pages * small_page) : std::nullopt;
}

std::optional<std::uint64_t> parse_swapped_out(std::string_view vmstat) {
    std::optional<std::uint64_t> pages;
    for_each_line(vmstat, [&](std::string_view line) {
        if (const auto value = value_of(line, "pswpout")) pages = *value;
        return !pages;
    });
    return pages;
}

HostPressure read_host_pressure(const std::string& proc) {
    HostPressure pressure;
    if (const auto text = read_small_file(proc + "/pressure/memory"))
        if (const auto memory = parse_pressure(*text)) pressure.waiting = memory->last_10_s;
    if (const auto text = read_small_file(proc + "/vmstat"))
        pressure.swapped_out = parse_swapped_out(*text);
    return pressure;
}

Bytes read_high_watermark(int node_id, const std::string& file) {
    const auto text = read_small_file(file);
    const auto high = text ? parse_high_watermark(*text, node_id) : std::nullopt;
    if (!high)
        throw HostError(file + ": tells no high watermark of node " + std::to_string(node_id));
    return *high;
}

Bytes read_unreserved_huge(int node_id, Bytes page_bytes, const std::string& root,
                           const std::string& pools) {
    const std::string pool = "/hugepages-" + std::to_string(page_bytes / 1024) + "kB/";
    const Bytes free = read_count(root + "/node/node" + std::to_string(node_id) + "/hugepages" +
                                  pool + "free_hugepages");
    const Bytes reserved = read_count(pools + pool + "resv_hugepages");
    return std::max<Bytes>(free - reserved, 0) * page_bytes;
}

}  // namespace vnuma
