#include "src/observe/rival_reader.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "guests/process/file_descriptor.hpp"
#include "guests/process/files.hpp"
#include "guests/process/parse_proc.hpp"

namespace vnuma {
namespace {

constexpr std::array<const char*, 3> daemon_names{"numad", "tuned", "irqbalance"};
constexpr std::size_t max_processes = 262'144;   // of which the names are read in one walk
constexpr std::size_t max_command_bytes = 4096;  // of a command line

// The number that a text begins with; nothing if there is none.
std::optional<int> leading_number(std::string_view text) {
    int number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    return parsed.ec == std::errc() ? std::optional(number) : std::nullopt;
}

int read_number(const std::string& file) {
    return leading_number(read_small_file(file).value_or("")).value_or(0);
}

Bytes read_balanced(const std::string& vmstat) {
    constexpr std::string_view field = "\nnuma_pages_migrated ";
    const std::string text = read_small_file(vmstat).value_or("");
    const std::size_t at = text.find(field);
    if (at == std::string::npos) return 0;
    Bytes pages = 0;
    std::from_chars(text.data() + at + field.size(), text.data() + text.size(), pages);
    return pages * ::sysconf(_SC_PAGESIZE);
}

// Kubernetes writes the state of its managers as JSON. A state that is not understood may be one of
// the static policy.
bool has_static_policy(const std::string& file) {
    const auto state = read_small_file(file);
    if (!state) return false;
    const auto json = nlohmann::json::parse(*state, nullptr, false);
    const auto policy = json.is_object() ? json.find("policyName") : json.end();
    if (policy == json.end() || !policy->is_string()) return true;
    return *policy == "static" || *policy == "Static";  // the CPU manager's, the memory manager's
}

// Whether the real, effective, saved and file system user of /proc/PID/status are root: a program
// that is set-user-ID root was started by somebody else.
bool is_root(std::string_view status) {
    return find_status_field(status, "Uid") == "0\t0\t0\t0";
}

std::string program_of(const std::string& executable) {
    constexpr std::string_view deleted = " (deleted)";  // its package was upgraded
    std::array<char, PATH_MAX> path{};
    const ssize_t size = ::readlink(executable.c_str(), path.data(), path.size());
    std::string_view program(path.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    if (program.ends_with(deleted)) program.remove_suffix(deleted.size());
    return std::string(program.substr(program.rfind('/') + 1));
}

// `numad -w` prints advice and ends. libvirt runs it for guests with placement="auto".
bool only_advises(const std::string& command_file) {
    const FileDescriptor fd(::open(command_file.c_str(), O_RDONLY | O_CLOEXEC));
    const std::string command =
        fd ? read_once(fd.get(), max_command_bytes).value_or("") : std::string();
    return command.find(std::string("\0-w", 3)) != std::string::npos;
}

}  // namespace

std::string RivalReader::process_file(pid_t pid, const char* file) const {
    return roots_.proc + "/" + std::to_string(pid) + "/" + file;
}

// Anybody can give a process any name, and must not stop vnumad by that.
bool RivalReader::is_daemon(pid_t pid, const std::string& name) const {
    if (read_small_file(process_file(pid, "comm")) != name + "\n") return false;
    if (!is_root(read_small_file(process_file(pid, "status")).value_or(""))) return false;
    return name != "numad" || (program_of(process_file(pid, "exe")) == name &&
                               !only_advises(process_file(pid, "cmdline")));
}

void RivalReader::read_numad_pid() {
    auto text = read_small_file(roots_.run + "/numad.pid");
    if (!text) text = read_small_file(roots_.var + "/run/numad.pid");
    const auto pid = leading_number(text.value_or(""));
    if (pid && is_daemon(*pid, "numad")) daemons_["numad"] = *pid;
}

bool RivalReader::is_known(pid_t pid) const {
    return std::binary_search(last_.begin(), last_.end(), pid) &&
           std::binary_search(last_but_one_.begin(), last_but_one_.end(), pid);
}

void RivalReader::walk(Time now) {
    if (now >= next_all_names_) {
        last_.clear();
        next_all_names_ = now + all_names_interval;
    }
    std::vector<pid_t> processes;
    for (const std::string& name : list_directory(AT_FDCWD, roots_.proc, max_processes))
        if (const auto pid = leading_number(name)) processes.push_back(*pid);
    std::sort(processes.begin(), processes.end());
    for (const pid_t pid : processes) {
        if (is_known(pid)) continue;
        const std::string comm = read_small_file(process_file(pid, "comm")).value_or("");
        for (const char* name : daemon_names)
            if (comm == std::string(name) + "\n" && is_daemon(pid, name))
                daemons_.try_emplace(name, pid);
    }
    last_but_one_ = std::exchange(last_, std::move(processes));
}

// The number that the kernel gave away last is the last word of /proc/loadavg (proc(5)).
bool RivalReader::is_walk_due(Time now) {
    const std::string loads = read_small_file(roots_.proc + "/loadavg").value_or("");
    const std::string newest = loads.substr(loads.rfind(' ') + 1);
    if (newest == newest_ && now < next_walk_) return false;
    newest_ = newest;
    next_walk_ = now + walk_interval;
    return true;
}

RivalReading RivalReader::read(const std::vector<ListedGuest>& guests, Time now) {
    // Where one has ended, another process may have its name that was passed over before.
    if (std::erase_if(daemons_, [this](const auto& daemon) {
            return !is_daemon(daemon.second, daemon.first);
        }) > 0)
        last_.clear();
    if (!daemons_.contains("numad")) read_numad_pid();
    if (is_walk_due(now)) walk(now);
    RivalReading reading;
    reading.daemons = daemons_;
    reading.numa_balancing = read_number(roots_.proc + "/sys/kernel/numa_balancing");
    if (reading.numa_balancing != 0) reading.balanced = read_balanced(roots_.proc + "/vmstat");
    const std::string ksm = roots_.sysfs + "/kernel/mm/ksm/";
    reading.ksm_across_nodes =
        read_number(ksm + "run") == 1 && read_number(ksm + "merge_across_nodes") == 1;
    const std::string kubelet = roots_.var + "/lib/kubelet/";
    reading.static_cpus = has_static_policy(kubelet + "cpu_manager_state");
    reading.static_memory = has_static_policy(kubelet + "memory_manager_state");
    if (!reading.static_cpus && !reading.static_memory) return reading;
    for (const ListedGuest& guest : guests)
        if (guest.pid &&
            read_small_file(process_file(*guest.pid, "cgroup")).value_or("").find("kubepods") !=
                std::string::npos)
            reading.in_pods.insert(guest.uuid);
    return reading;
}

}  // namespace vnuma
