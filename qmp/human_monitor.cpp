#include "qmp/human_monitor.hpp"

#include <charconv>
#include <limits>
#include <utility>

namespace vnuma::qmp {
namespace {

using nlohmann::json;

constexpr std::uint64_t mib = 1024 * 1024;
constexpr std::size_t address_digits = 16;
constexpr std::size_t max_cpus_of_node = 65536;

// Takes a text apart from its front.
class Text {
  public:
    explicit Text(std::string_view text) : rest_(text) {}

    bool empty() const { return rest_.empty(); }
    std::string_view rest() const { return rest_; }

    bool skip(std::string_view expected) {
        if (!rest_.starts_with(expected)) return false;
        rest_.remove_prefix(expected.size());
        return true;
    }

    // Up to the next `end`, which is skipped.
    std::optional<std::string_view> until(std::string_view end) {
        const std::size_t at = rest_.find(end);
        if (at == std::string_view::npos) return std::nullopt;
        const std::string_view found = rest_.substr(0, at);
        rest_.remove_prefix(at + end.size());
        return found;
    }

    // The next line without its end, which is "\r\n", or "\n".
    std::string_view line() {
        const std::string_view all = rest_;
        std::string_view found = until("\n").value_or(all);
        if (found.size() == all.size()) rest_ = {};
        if (found.ends_with('\r')) found.remove_suffix(1);
        return found;
    }

    template <typename T>
    std::optional<T> number(int base) {
        T value{};
        const char* end = rest_.data() + rest_.size();
        const auto [stop, error] = std::from_chars(rest_.data(), end, value, base);
        if (error != std::errc{}) return std::nullopt;
        rest_ = {stop, static_cast<std::size_t>(end - stop)};
        return value;
    }

    // As "%016" PRIx64 prints it.
    std::optional<std::uint64_t> address() {
        const auto before = rest_;
        const auto value = number<std::uint64_t>(16);
        return before.size() - rest_.size() == address_digits ? value : std::nullopt;
    }

  private:
    std::string_view rest_;
};

// "m0", "m0 @0000000000100000", both also with " KVM" where KVM knows the range. The name may
// itself have spaces and '@' in it.
void read_region(std::string_view text, GuestRange& range) {
    if (text.ends_with(" KVM")) text.remove_suffix(4);
    const std::size_t at = text.rfind(" @");
    if (at != std::string_view::npos) {
        Text offset(text.substr(at + 2));
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
    Text text(line);
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

// The ranges of a view, down to the empty line that ends it.
std::optional<std::vector<GuestRange>> read_view(Text& text) {
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
bool read_cpus(Text& text, std::vector<int>& cpus) {
    while (text.skip(" ")) {
        if (text.empty()) return true;
        const auto cpu = text.number<int>(10);
        if (!cpu || *cpu < 0 || cpus.size() >= max_cpus_of_node) return false;
        cpus.push_back(*cpu);
    }
    return text.empty();
}

bool read_mib(Text& text, std::uint64_t& bytes) {
    const auto value = text.number<std::uint64_t>(10);
    if (!value || *value > std::numeric_limits<std::uint64_t>::max() / mib) return false;
    bytes = *value * mib;
    return text.skip(" MB") && text.empty();
}

// The three lines of a node, each after "node N ".
std::optional<GuestNode> read_node(Text& text) {
    GuestNode node;
    for (int i = 0; i < 3; ++i) {
        Text line(text.line());
        if (!line.skip("node ")) return std::nullopt;
        const auto id = line.number<int>(10);
        if (!id || *id < 0 || *id >= max_guest_nodes) return std::nullopt;
        if (i > 0 && *id != node.id) return std::nullopt;
        node.id = *id;
        const bool ok = i == 0   ? line.skip(" cpus:") && read_cpus(line, node.cpus)
                        : i == 1 ? line.skip(" size: ") && read_mib(line, node.bytes)
                                 : line.skip(" plugged: ") && read_mib(line, node.plugged_bytes);
        if (!ok) return std::nullopt;
    }
    return node;
}

template <typename T, std::optional<T> (*parse)(std::string_view)>
Command<T> human(std::string command_line) {
    return {"human-monitor-command",
            {{"command-line", std::move(command_line)}},
            [](const json& value) -> std::optional<T> {
                const auto* text = value.get_ptr<const std::string*>();
                return text ? parse(*text) : std::nullopt;
            }};
}

}  // namespace

std::optional<HostAddress> parse_gpa2hva(std::string_view whole) {
    Text line(whole);
    Text text(line.line());
    if (!line.empty()) return std::nullopt;
    if (!text.skip("Host virtual address for 0x") || !text.number<std::uint64_t>(16) ||
        !text.skip(" ("))
        return std::nullopt;
    constexpr std::string_view separator = ") is 0x";
    const std::size_t end = text.rest().rfind(separator);  // a name may have it as well
    if (end == std::string_view::npos) return std::nullopt;
    Text address(text.rest().substr(end + separator.size()));
    const auto value = address.number<std::uint64_t>(16);
    if (!value || !address.empty()) return std::nullopt;
    return HostAddress{std::string(text.rest().substr(0, end)), *value};
}

std::optional<std::vector<GuestRange>> parse_mtree_flat(std::string_view whole) {
    Text text(whole);
    while (!text.empty())
        if (text.line().starts_with(" AS \"memory\", ")) return read_view(text);
    return std::nullopt;
}

std::optional<std::vector<GuestNode>> parse_numa(std::string_view whole) {
    Text text(whole);
    Text first(text.line());
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
    char digits[address_digits];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, address, 16);
    return human<HostAddress, parse_gpa2hva>("gpa2hva 0x" + std::string(digits, end));
}

Command<std::vector<GuestRange>> info_mtree_flat() {
    return human<std::vector<GuestRange>, parse_mtree_flat>("info mtree -f");
}

Command<std::vector<GuestNode>> info_numa() {
    return human<std::vector<GuestNode>, parse_numa>("info numa");
}

}  // namespace vnuma::qmp
