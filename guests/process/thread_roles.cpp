#include "guests/process/thread_roles.hpp"

#include <charconv>

#include "guests/process/vmm_names.hpp"

namespace vnuma {
namespace {

// The whole text as a decimal number.
std::optional<int> parse_number(std::string_view text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

// /proc/TASK/comm ends with a newline, the name in /proc/TASK/stat does not.
std::string_view without_newline(std::string_view name) {
    if (name.ends_with('\n')) name.remove_suffix(1);
    return name;
}

}  // namespace

ThreadRole role_by_name(std::string_view name) {
    name = without_newline(name);
    if (parse_vcpu_thread_name(name)) return ThreadRole::vcpu;
    // The iothread of QEMU's monitor belongs to QEMU itself. libvirt pins it with the emulator.
    if (name.starts_with("IO ") && name != "IO mon_iothread") return ThreadRole::iothread;
    // Since Linux 6.4 they are threads of QEMU, before that kernel threads.
    if (name.starts_with("vhost-")) return ThreadRole::vhost;
    return ThreadRole::emulator;
}

std::optional<int> parse_iothread_name(std::string_view name) {
    name = without_newline(name);
    constexpr std::string_view prefix = "IO iothread";
    if (!name.starts_with(prefix)) return std::nullopt;
    return parse_number(name.substr(prefix.size()));
}

std::optional<pid_t> parse_vhost_name(std::string_view name) {
    constexpr std::string_view prefix = "vhost-";
    if (!name.starts_with(prefix)) return std::nullopt;
    pid_t process = 0;
    const char* number = name.data() + prefix.size();
    const auto [end, error] = std::from_chars(number, name.data() + name.size(), process);
    return error == std::errc() ? std::optional(process) : std::nullopt;
}

ThreadRoles::ThreadRoles(const ListedGuest& listed) {
    for (const auto& [vcpu, thread] : listed.vcpu_threads)
        reported_[thread] = {ThreadRole::vcpu, vcpu};
    for (const auto& [name, thread] : listed.iothreads)
        reported_[thread] = {ThreadRole::iothread, 0};
}

ThreadRoles::Role ThreadRoles::find(pid_t thread, std::string_view name) const {
    if (const auto reported = reported_.find(thread); reported != reported_.end())
        return reported->second;
    const ThreadRole role = role_by_name(name);
    if (!reported_.empty() && role != ThreadRole::vhost) return {};
    return {role, role == ThreadRole::vcpu ? *parse_vcpu_thread_name(name) : 0};
}

}  // namespace vnuma
