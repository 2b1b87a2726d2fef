// QEMU's options as its command line, its JSON forms and its configuration files write them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vnuma {

// Limits of what is read; what is beyond is left out.
inline constexpr std::size_t max_qemu_options = 8192, max_qemu_fields = 1024;

// One option with its fields, whichever form it was written in: "-m 4G,slots=2" is of the group
// "memory" with the fields size=4G and slots=2. Groups have QEMU's own names, as in its
// configuration files.
class QemuOption {
  public:
    std::string group;
    // In their order. A list has a field for each of its elements, and names of nested objects are
    // joined with dots.
    std::vector<std::pair<std::string, std::string>> fields{};

    // The last field of this name, which is the one that counts; null if there is none.
    const std::string* find(std::string_view name) const;
    // The same, or an empty string.
    std::string get(std::string_view name) const;
    // All fields of this name.
    std::vector<std::string> all(std::string_view name) const;
};

// "on", "yes", "true" and "y", as QEMU reads them.
bool is_on(std::string_view value);

// "a,b=c,nod" with `implied` as the name of a first field without one; ",," is a comma in a value.
// A text that begins with "{" is JSON. Nothing for bad JSON.
std::optional<QemuOption> parse_qemu_option(const std::string& group, std::string_view text,
                                            std::string_view implied);

// The options in /proc/PID/cmdline that describe what the guest consists of, in their order;
// "-readconfig FILE" is of the group "readconfig" with the field "file". What cannot be understood
// is a sentence in `problems`.
std::vector<QemuOption> parse_qemu_arguments(std::string_view command_line,
                                             std::vector<std::string>& problems);

// The options in a file of -readconfig.
std::vector<QemuOption> parse_qemu_config(std::string_view text);

// A size in bytes: "4G", "1.5G", "0x1000", or "4096" in the unit given. Nothing for others, for
// negative ones, and for sizes above 4 PiB.
std::optional<std::int64_t> parse_qemu_size(std::string_view text, std::int64_t unit = 1);

// A number without a sign, decimal, or hexadecimal with "0x".
std::optional<std::uint64_t> parse_qemu_number(std::string_view text);

}  // namespace vnuma
