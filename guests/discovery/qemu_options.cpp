#include "guests/discovery/qemu_options.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "guests/model/domain.hpp"

namespace vnuma {
namespace {

using nlohmann::json;

constexpr int max_json_depth = 16;
constexpr std::size_t max_words = 2 * max_qemu_options;
constexpr double max_size = static_cast<double>(max_qemu_size);

struct KnownOption {
    std::string_view name, group, implied;
};

constexpr std::array known_options{
    KnownOption{"name", "name", "guest"},        KnownOption{"uuid", "uuid", "uuid"},
    KnownOption{"smbios", "smbios", "file"},     KnownOption{"object", "object", "qom-type"},
    KnownOption{"numa", "numa", "type"},         KnownOption{"smp", "smp-opts", "cpus"},
    KnownOption{"m", "memory", "size"},          KnownOption{"machine", "machine", "type"},
    KnownOption{"M", "machine", "type"},         KnownOption{"device", "device", "driver"},
    KnownOption{"accel", "accel", "accel"},      KnownOption{"overcommit", "overcommit", ""},
    KnownOption{"realtime", "overcommit", ""},   KnownOption{"readconfig", "readconfig", "file"},
    KnownOption{"mem-path", "mem-path", "path"},
};

// Options that take no argument. Any other takes the next word, unless that looks like an option.
constexpr std::array<std::string_view, 41> flags{"h",
                                                 "help",
                                                 "version",
                                                 "S",
                                                 "snapshot",
                                                 "nographic",
                                                 "no-acpi",
                                                 "no-hpet",
                                                 "no-reboot",
                                                 "no-shutdown",
                                                 "daemonize",
                                                 "nodefaults",
                                                 "enable-kvm",
                                                 "full-screen",
                                                 "alt-grab",
                                                 "ctrl-grab",
                                                 "no-quit",
                                                 "curses",
                                                 "preconfig",
                                                 "only-migratable",
                                                 "mem-prealloc",
                                                 "no-fd-bootchk",
                                                 "win2k-hack",
                                                 "show-cursor",
                                                 "old-param",
                                                 "semihosting",
                                                 "singlestep",
                                                 "one-insn-per-tb",
                                                 "usb",
                                                 "portrait",
                                                 "no-frame",
                                                 "no-kvm",
                                                 "no-kvm-irqchip",
                                                 "no-kvm-pit",
                                                 "enable-fips",
                                                 "no-user-config",
                                                 "nouserconfig",
                                                 "sdl",
                                                 "tdf",
                                                 "xen-domid-restrict",
                                                 "no-kvm-pit-reinjection"};

// Options whose argument may look like an option.
constexpr std::array<std::string_view, 1> free_texts{"append"};

template <typename Names>
bool is_one_of(const Names& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

void add_field(QemuOption& option, std::string_view name, std::string_view value) {
    if (option.fields.size() < max_qemu_fields && name.size() <= max_qemu_field_bytes &&
        value.size() <= max_qemu_field_bytes)
        option.fields.emplace_back(name, value);
    else
        option.is_cut = true;
}

void add_if_cut(const QemuOption& option, const std::string& what,
                std::vector<std::string>& problems) {
    if (option.is_cut)
        add_problem(problems, what + " has more than " + std::to_string(max_qemu_fields) +
                                  " fields, or one of more than " +
                                  std::to_string(max_qemu_field_bytes) +
                                  " bytes; those beyond are ignored");
}

std::string too_many_options(const std::string& what) {
    return what + " has more than " + std::to_string(max_qemu_options) +
           " options; the others are ignored";
}

std::string joined(const std::string& name, const std::string& key) {
    return name.empty() ? key : name + "." + key;
}

void add_json(QemuOption& option, const std::string& name, const json& value, int depth) {
    if (depth > max_json_depth) {
        option.is_cut = true;
    } else if (value.is_object()) {
        for (const auto& [key, inner] : value.items())
            if (name.size() + key.size() <= max_qemu_field_bytes)
                add_json(option, joined(name, key), inner, depth + 1);
            else
                option.is_cut = true;
    } else if (value.is_array()) {
        for (const json& element : value)
            add_json(option, name, element, depth + 1);
    } else if (value.is_string()) {
        add_field(option, name, value.get_ref<const std::string&>());
    } else if (value.is_boolean()) {
        add_field(option, name, value.get<bool>() ? "on" : "off");
    } else if (value.is_number()) {
        add_field(option, name, value.dump());
    }
}

// Removes a field's text up to a single comma from `rest`, and returns it with double ones undone.
std::string take_field(std::string_view& rest) {
    std::string field;
    std::size_t at = 0;
    for (; at < rest.size(); ++at) {
        if (rest[at] == ',') {
            if (at + 1 >= rest.size() || rest[at + 1] != ',') break;
            ++at;
        }
        field += rest[at];
    }
    rest.remove_prefix(std::min(at + 1, rest.size()));
    return field;
}

std::vector<std::string_view> split_words(std::string_view command_line) {
    std::vector<std::string_view> words;
    while (!command_line.empty() && words.size() < max_words) {
        const std::size_t end = command_line.find('\0');
        words.push_back(command_line.substr(0, end));
        command_line =
            end == std::string_view::npos ? std::string_view() : command_line.substr(end + 1);
    }
    return words;
}

// The name of an option without its dashes; empty for a word that is none.
std::string_view option_name(std::string_view word) {
    if (!word.starts_with('-') || word.size() < 2) return {};
    word.remove_prefix(word.starts_with("--") ? 2 : 1);
    return word;
}

}  // namespace

const std::string* QemuOption::find(std::string_view name) const {
    const auto at = std::find_if(fields.rbegin(), fields.rend(),
                                 [&](const auto& field) { return field.first == name; });
    return at == fields.rend() ? nullptr : &at->second;
}

std::string QemuOption::get(std::string_view name) const {
    const std::string* value = find(name);
    return value ? *value : std::string();
}

std::vector<std::string> QemuOption::all(std::string_view name) const {
    std::vector<std::string> values;
    for (const auto& [field, value] : fields)
        if (field == name) values.push_back(value);
    return values;
}

bool take_room(const QemuOption& option, std::size_t& room) {
    std::size_t bytes = sizeof(QemuOption) + option.group.size();
    for (const auto& field : option.fields)
        bytes += sizeof(field) + field.first.size() + field.second.size();
    if (bytes > room) return false;
    room -= bytes;
    return true;
}

void add_problem(std::vector<std::string>& problems, std::string sentence) {
    if (problems.size() < max_description_problems) problems.push_back(std::move(sentence));
}

bool is_on(std::string_view value) {
    return is_one_of(std::array<std::string_view, 4>{"on", "yes", "true", "y"}, value);
}

std::optional<QemuOption> parse_qemu_option(const std::string& group, std::string_view text,
                                            std::string_view implied) {
    QemuOption option{group};
    if (text.starts_with('{')) {
        const json value = json::parse(text, nullptr, /*allow_exceptions=*/false);
        if (!value.is_object()) return std::nullopt;
        add_json(option, "", value, 0);
        return option;
    }
    for (bool first = true; !text.empty(); first = false) {
        const std::string field = take_field(text);
        const std::size_t equals = field.find('=');
        if (equals != std::string::npos)
            add_field(option, std::string_view(field).substr(0, equals),
                      std::string_view(field).substr(equals + 1));
        else if (first && !implied.empty())
            add_field(option, implied, field);
        else if (field.starts_with("no"))
            add_field(option, std::string_view(field).substr(2), "off");
        else
            add_field(option, field, "on");
    }
    return option;
}

std::vector<QemuOption> parse_qemu_arguments(std::string_view command_line,
                                             std::vector<std::string>& problems) {
    std::vector<QemuOption> options;
    std::size_t room = max_qemu_stored_bytes;
    const auto words = split_words(command_line);
    if (words.size() == max_words) add_problem(problems, too_many_options("its command line"));
    for (std::size_t i = 1; i < words.size() && options.size() < max_qemu_options; ++i) {
        const std::string_view name = option_name(words[i]);
        if (name.empty() || is_one_of(flags, name) || i + 1 == words.size()) continue;
        if (words[i + 1].starts_with('-') && !is_one_of(free_texts, name)) continue;
        const std::string_view value = words[++i];
        const auto known = std::find_if(known_options.begin(), known_options.end(),
                                        [&](const auto& one) { return one.name == name; });
        if (known == known_options.end()) continue;
        const std::string what = "its option -" + std::string(name);
        if (value.size() > max_qemu_argument_bytes) {
            add_problem(problems, what + " has more than 128 KiB; it is ignored");
            continue;
        }
        auto option = parse_qemu_option(std::string(known->group), value, known->implied);
        if (!option) {
            add_problem(problems, what + " is no JSON");
            continue;
        }
        add_if_cut(*option, what, problems);
        if (!take_room(*option, room)) {
            add_problem(problems,
                        "its options have more than 4 MiB; the rest of its command line "
                        "is ignored");
            break;
        }
        options.push_back(std::move(*option));
    }
    return options;
}

std::vector<QemuOption> parse_qemu_config(std::string_view text,
                                          std::vector<std::string>& problems) {
    std::vector<QemuOption> options;
    while (!text.empty()) {
        const std::size_t newline = text.find('\n');
        const std::string_view line = trim(text.substr(0, newline));
        text = newline == std::string_view::npos ? std::string_view() : text.substr(newline + 1);
        if (line.empty() || line.starts_with('#')) continue;
        if (line.starts_with('[') && line.ends_with(']')) {
            if (options.size() == max_qemu_options) {
                add_problem(problems, too_many_options("its configuration file"));
                break;
            }
            // [group] or [group "id"]
            const std::string_view header = line.substr(1, line.size() - 2);
            const std::size_t quote = header.find('"'), last = header.rfind('"');
            QemuOption& option =
                options.emplace_back(QemuOption{std::string(trim(header.substr(0, quote)))});
            if (quote != last) add_field(option, "id", header.substr(quote + 1, last - quote - 1));
            continue;
        }
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos || options.empty()) continue;
        std::string_view value = trim(line.substr(equals + 1));
        if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"'))
            value = value.substr(1, value.size() - 2);
        add_field(options.back(), trim(line.substr(0, equals)), value);
    }
    for (const QemuOption& option : options)
        add_if_cut(option, "a section of its configuration file", problems);
    return options;
}

std::optional<std::uint64_t> parse_qemu_number(std::string_view text) {
    const bool hex = text.starts_with("0x") || text.starts_with("0X");
    if (hex) text.remove_prefix(2);
    std::uint64_t number = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, hex ? 16 : 10);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_qemu_range(std::string_view text) {
    const std::size_t dash = text.find('-');
    const auto first = parse_qemu_number(text.substr(0, dash));
    const auto last =
        dash == std::string_view::npos ? first : parse_qemu_number(text.substr(dash + 1));
    if (!first || !last) return std::nullopt;
    return std::pair{*first, *last};
}

std::optional<std::int64_t> parse_qemu_size(std::string_view text, std::int64_t unit) {
    constexpr std::string_view units = "BKMGTPE";
    if (text.starts_with("0x") || text.starts_with("0X")) {
        const auto bytes = parse_qemu_number(text);
        if (!bytes || static_cast<double>(*bytes) > max_size) return std::nullopt;
        return static_cast<std::int64_t>(*bytes);
    }
    double factor = static_cast<double>(unit);
    if (!text.empty() && !(text.back() >= '0' && text.back() <= '9')) {
        const char suffix = text.back() >= 'a' ? static_cast<char>(text.back() - 32) : text.back();
        const std::size_t power = units.find(suffix);
        if (power == std::string_view::npos) return std::nullopt;
        factor = std::ldexp(1.0, static_cast<int>(10 * power));
        text.remove_suffix(1);
    }
    double number = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    const double bytes = number * factor;
    if (error != std::errc() || end != text.data() + text.size() || !(bytes >= 0) ||
        bytes > max_size)
        return std::nullopt;
    return static_cast<std::int64_t>(bytes);
}

}  // namespace vnuma
