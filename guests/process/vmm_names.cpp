#include "guests/process/vmm_names.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

namespace vnuma {
namespace {

struct VcpuName {
    std::string_view prefix, suffix;
};

constexpr std::array vcpu_names{VcpuName{"CPU ", "/KVM"}, VcpuName{"vcpu", ""},
                                VcpuName{"fc_vcpu ", ""}, VcpuName{"crosvm_vcpu", ""},
                                VcpuName{"kvm-vcpu-", ""}};

// Names of groups that only say which part of a guest, or of a user's session, is in them.
constexpr std::array<std::string_view, 8> roles{"emulator",   "vcpus",   "init", "sandbox",
                                                "supervisor", "payload", "app",  "system"};

// A container's id has 64 digits, of which tools show 12.
constexpr std::size_t least_id_digits = 24, shown_id_digits = 12;
// A pod's id is a UUID, whose first part is shown.
constexpr std::size_t shown_pod_digits = 8;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_hex_digit(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f');
}

// The whole text as a vCPU's number, without a sign.
std::optional<int> parse_number(std::string_view text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || !is_digit(text[0]) || error != std::errc() ||
        end != text.data() + text.size() || number > max_vcpu_number)
        return std::nullopt;
    return number;
}

// The parts of a control group's path without systemd's endings.
std::vector<std::string_view> parts_of(std::string_view path) {
    std::vector<std::string_view> parts;
    while (!path.empty()) {
        const std::size_t slash = path.find('/');
        std::string_view part = path.substr(0, slash);
        path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
        for (const std::string_view ending : {".scope", ".slice", ".service"})
            if (part.ends_with(ending)) part.remove_suffix(ending.size());
        if (!part.empty()) parts.push_back(part);
    }
    return parts;
}

bool is_role(std::string_view part) {
    if (std::find(roles.begin(), roles.end(), part) != roles.end()) return true;
    return part.starts_with("vcpu") && parse_number(part.substr(4));
}

// Long ids are cut to the digits that tools show.
std::string shorten(std::string_view part) {
    std::string text;
    for (std::size_t at = 0; at < part.size();) {
        std::size_t end = at;
        while (end < part.size() && is_hex_digit(part[end]))
            ++end;
        const std::size_t digits = end - at;
        text += part.substr(at, digits >= least_id_digits ? shown_id_digits : digits);
        if (end < part.size()) text += part[end++];
        at = end;
    }
    return text;
}

// "pod1a2b3c4d" of "pod1a2b3c4d-..." and of "kubepods-burstable-pod1a2b3c4d_..."; empty if the part
// is no pod's.
std::string pod_of(std::string_view part) {
    constexpr std::string_view pod = "pod";
    const std::size_t at = part.starts_with(pod) ? 0 : part.rfind("-pod");
    if (at == std::string_view::npos) return "";
    part.remove_prefix(at == 0 ? 0 : at + 1);
    std::size_t end = pod.size();
    while (end < part.size() && end < pod.size() + shown_pod_digits && is_hex_digit(part[end]))
        ++end;
    return end < pod.size() + shown_pod_digits ? "" : std::string(part.substr(0, end));
}

}  // namespace

std::optional<int> parse_vcpu_thread_name(std::string_view name) {
    if (name.ends_with('\n')) name.remove_suffix(1);
    for (const auto& [prefix, suffix] : vcpu_names) {
        if (!name.starts_with(prefix) || !name.ends_with(suffix) ||
            name.size() <= prefix.size() + suffix.size())
            continue;
        return parse_number(
            name.substr(prefix.size(), name.size() - prefix.size() - suffix.size()));
    }
    return std::nullopt;
}

// QEMU's names up to 9.0, "mig/..." since 9.1.
RunState state_by_thread_name(std::string_view name) {
    if (name.ends_with('\n')) name.remove_suffix(1);
    if (name == "bg_snapshot" || name == "mig/snapshot") return RunState::saving;
    for (const std::string_view beginning : {"mig/", "multifd", "postcopy/", "COLO"})
        if (name.starts_with(beginning)) return RunState::migrating;
    for (const std::string_view whole : {"live_migration", "migration", "return path"})
        if (name == whole) return RunState::migrating;
    return RunState::running;
}

std::string program_of(std::string_view executable) {
    constexpr std::string_view deleted = " (deleted)";
    if (executable.ends_with(deleted)) executable.remove_suffix(deleted.size());
    const std::size_t slash = executable.rfind('/');
    return std::string(slash == std::string_view::npos ? executable : executable.substr(slash + 1));
}

bool is_qemu(std::string_view program) {
    return program.find("qemu") != std::string_view::npos || program == "kvm";
}

std::string find_name_argument(std::string_view command_line) {
    bool is_next = false;
    while (!command_line.empty()) {
        const std::size_t end = command_line.find('\0');
        const std::string_view word = command_line.substr(0, end);
        command_line =
            end == std::string_view::npos ? std::string_view() : command_line.substr(end + 1);
        if (is_next) return in_one_line(word);
        for (const std::string_view option : {"--id", "--name"}) {
            if (!word.starts_with(option)) continue;
            if (word.size() == option.size()) is_next = true;
            if (word.size() > option.size() && word[option.size()] == '=')
                return in_one_line(word.substr(option.size() + 1));
        }
        // Firecracker's jailer ends with this word, and kvmtool's kernel has words of its own.
        if (word == "--") break;
    }
    return "";
}

std::string name_by_group(std::string_view program, std::string_view cgroup) {
    std::string name = program.empty() ? "guest" : std::string(program), pod, group;
    for (const std::string_view part : parts_of(cgroup)) {
        if (std::string found = pod_of(part); !found.empty()) {
            pod = std::move(found);
            group.clear();
        } else if (!is_role(part)) {
            group = shorten(part);
        }
    }
    for (const std::string* part : {&pod, &group})
        if (!part->empty()) name += "-" + *part;
    return in_one_line(name);
}

std::string in_one_line(std::string_view text) {
    std::string line(text);
    std::replace_if(
        line.begin(), line.end(), [](unsigned char c) { return c < ' ' || c == 127; }, '?');
    return line;
}

}  // namespace vnuma
