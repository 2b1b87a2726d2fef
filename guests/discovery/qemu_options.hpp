// QEMU's options as its command line, its JSON forms and its configuration files write them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vnuma {

// Limits of what is read; what is beyond is left out, and told as a problem. A list of a few bytes
// in JSON has a field, with the whole name, for each of its elements.
inline constexpr std::size_t max_qemu_options = 8192, max_qemu_fields = 1024;
// A field's name, or its value: paths are shorter.
inline constexpr std::size_t max_qemu_field_bytes = 4096;
// One argument of a program: execve(2) takes no longer ones (MAX_ARG_STRLEN).
inline constexpr std::size_t max_qemu_argument_bytes = std::size_t{128} << 10;
// All options of a guest as they are stored. 4,096 vCPUs that are named one by one take half of it.
inline constexpr std::size_t max_qemu_stored_bytes = std::size_t{4} << 20;
// The largest size, 4 PiB: no host has more memory.
inline constexpr std::int64_t max_qemu_size = std::int64_t{1} << 52;

// One option with its fields, whichever form it was written in: "-m 4G,slots=2" is of the group
// "memory" with the fields size=4G and slots=2. Groups have QEMU's own names, as in its
// configuration files.
class QemuOption {
  public:
    std::string group;
    // In their order. A list has a field for each of its elements, and names of nested objects are
    // joined with dots.
    std::vector<std::pair<std::string, std::string>> fields{};
    bool is_cut = false;  // fields are left out, since they are too many, too long or too deep

    // The last field of this name, which is the one that counts; null if there is none.
    const std::string* find(std::string_view name) const;
    // The same, or an empty string.
    std::string get(std::string_view name) const;
    // All fields of this name.
    std::vector<std::string> all(std::string_view name) const;
};

// Subtracts what storing the option takes from `room`, in bytes. False, and nothing is subtracted,
// if that is more.
bool take_room(const QemuOption& option, std::size_t& room);

// Adds a sentence to a domain's problems, within max_description_problems.
void add_problem(std::vector<std::string>& problems, std::string sentence);

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

// The options in a file of -readconfig. What is left out is a sentence in `problems`.
std::vector<QemuOption> parse_qemu_config(std::string_view text,
                                          std::vector<std::string>& problems);

// A size in bytes: "4G", "1.5G", "0x1000", or "4096" in the unit given. Nothing for others, for
// negative ones, and for sizes above max_qemu_size.
std::optional<std::int64_t> parse_qemu_size(std::string_view text, std::int64_t unit = 1);

// A number without a sign, decimal, or hexadecimal with "0x".
std::optional<std::uint64_t> parse_qemu_number(std::string_view text);

// The first and the last number of "2" or "0-3".
std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_qemu_range(std::string_view text);

}  // namespace vnuma
