#include "qmp/human_monitor.hpp"

#include <charconv>
#include <limits>
#include <utility>

#include "qmp/text_reader.hpp"

namespace vnuma::qmp {
namespace {

using nlohmann::json;

constexpr std::uint64_t mib = 1024 * 1024;
constexpr std::size_t max_cpus_of_node = 8192;

// "m0" or "m0 @0000000000100000", followed by " KVM" if KVM maps the range. The name itself may
// contain spaces and '@'.
void read_region(std::string_view text, GuestRange& range) {
    if (text.ends_with(" KVM")) text.remove_suffix(4);
    const std::size_t at = text.rfind(" @");
    if (at != std::string_view::npos) {
        TextReader offset(text.substr(at + 2));
        const auto value = offset.address();
        if (value && offset.empty()) {
            range.offset = *value;
            text = text.substr(0, at);
        }
    }
    range.region = text;
}

// "  0000000000100000-0000000007ffffff (prio 0, ram): pc.ram @0000000000100000 KVM"
std::optional<GuestRange> read_range(std::string_view line) {
    TextReader text(line);
    GuestRange range;
    if (!text.skip("  ")) return std::nullopt;
    const auto start = text.address();
    if (!start || !text.skip("-")) return std::nullopt;
    const auto last = text.address();
    if (!last || *last < *start || !text.skip(" (prio ")) return std::nullopt;
    if (!text.number<int>(10) || !text.skip(", ")) return std::nullopt;
    const auto type = text.until("): ");
    if (!type) return std::nullopt;
    range.start = *start;
    range.size = *last - *start;
    if (range.size < std::numeric_limits<std::uint64_t>::max()) ++range.size;
    range.type = *type;
    read_region(text.rest(), range);
    return range;
}

// Reads the ranges of a flat view up to the empty line that ends it.
std::optional<std::vector<GuestRange>> read_view(TextReader& text) {
    std::vector<GuestRange> ranges;
    while (!text.empty()) {
        const std::string_view line = text.line();
        if (line.empty()) break;
        if (line.starts_with(" AS ") || line.starts_with(" Root memory region: ")) continue;
        if (line == "  No rendered FlatView") continue;
        auto range = read_range(line);
        if (!range || ranges.size() >= max_ranges) return std::nullopt;
        if (!ranges.empty() && range->start <= ranges.back().start + (ranges.back().size - 1))
            return std::nullopt;
        ranges.push_back(std::move(*range));
    }
    return ranges;
}

// " 0 1 2"
bool read_cpus(TextReader& text, std::vector<int>& cpus) {
    while (text.skip(" ")) {
        if (text.empty()) return true;
        const auto cpu = text.number<int>(10);
        if (!cpu || *cpu < 0 || cpus.size() >= max_cpus_of_node) return false;
        cpus.push_back(*cpu);
    }
    return text.empty();
}

bool read_mib(TextReader& text, std::uint64_t& bytes) {
    const auto value = text.number<std::uint64_t>(10);
    if (!value || *value > std::numeric_limits<std::uint64_t>::max() / mib) return false;
    bytes = *value * mib;
    return text.skip(" MB") && text.empty();
}

// A line "node N LABEL..." as the node's id and the text after the label.
std::optional<std::pair<int, TextReader>> read_node_line(TextReader& text, std::string_view label) {
    TextReader line(text.line());
    if (!line.skip("node ")) return std::nullopt;
    const auto id = line.number<int>(10);
    if (!id || *id < 0 || *id >= max_guest_nodes || !line.skip(label)) return std::nullopt;
    return std::pair{*id, line};
}

std::optional<GuestNode> read_node(TextReader& text) {
    auto cpus = read_node_line(text, " cpus:");
    auto size = read_node_line(text, " size: ");
    auto plugged = read_node_line(text, " plugged: ");
    if (!cpus || !size || !plugged) return std::nullopt;
    GuestNode node;
    node.id = cpus->first;
    if (size->first != node.id || plugged->first != node.id) return std::nullopt;
    if (!read_cpus(cpus->second, node.cpus) || !read_mib(size->second, node.bytes) ||
        !read_mib(plugged->second, node.plugged_bytes))
        return std::nullopt;
    return node;
}

template <typename T, std::optional<T> (*parse)(std::string_view)>
Command<T> human_command(std::string command_line) {
    return {"human-monitor-command",
            {{"command-line", std::move(command_line)}},
            [](const json& value) -> std::optional<T> {
                const auto* text = value.get_ptr<const std::string*>();
                return text ? parse(*text) : std::nullopt;
            }};
}

}  // namespace

std::optional<HostAddress> parse_gpa2hva(std::string_view answer) {
    TextReader lines(answer);
    TextReader text(lines.line());
    if (!lines.empty()) return std::nullopt;
    if (!text.skip("Host virtual address for 0x") || !text.number<std::uint64_t>(16) ||
        !text.skip(" ("))
        return std::nullopt;
    constexpr std::string_view separator = ") is 0x";
    // The region's name may contain the separator, too.
    const std::size_t end = text.rest().rfind(separator);
    if (end == std::string_view::npos) return std::nullopt;
    TextReader address(text.rest().substr(end + separator.size()));
    const auto value = address.number<std::uint64_t>(16);
    if (!value || !address.empty()) return std::nullopt;
    return HostAddress{std::string(text.rest().substr(0, end)), *value};
}

std::optional<std::vector<GuestRange>> parse_mtree_flat(std::string_view answer) {
    TextReader text(answer);
    while (!text.empty())
        if (text.line().starts_with(" AS \"memory\", ")) return read_view(text);
    return std::nullopt;
}

std::optional<std::vector<GuestNode>> parse_numa(std::string_view answer) {
    TextReader text(answer);
    TextReader first(text.line());
    const auto count = first.number<int>(10);
    if (!count || *count < 0 || *count > max_guest_nodes || first.rest() != " nodes")
        return std::nullopt;
    std::vector<GuestNode> nodes;
    for (int i = 0; i < *count; ++i) {
        auto node = read_node(text);
        if (!node || (!nodes.empty() && node->id <= nodes.back().id)) return std::nullopt;
        nodes.push_back(std::move(*node));
    }
    if (!text.empty()) return std::nullopt;
    return nodes;
}

Command<HostAddress> gpa2hva(std::uint64_t address) {
    char digits[16];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, address, 16);
    return human_command<HostAddress, parse_gpa2hva>("gpa2hva 0x" + std::string(digits, end));
}

Command<std::vector<GuestRange>> info_mtree_flat() {
    return human_command<std::vector<GuestRange>, parse_mtree_flat>("info mtree -f");
}

Command<std::vector<GuestNode>> info_numa() {
    return human_command<std::vector<GuestNode>, parse_numa>("info numa");
}

}  // namespace vnuma::qmp
