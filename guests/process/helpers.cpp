#include "guests/process/helpers.hpp"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <optional>
#include <utility>

#include "guests/process/cpu_time.hpp"
#include "guests/process/files.hpp"
#include "guests/process/parse_proc.hpp"

namespace vnuma {
namespace {

// Of the group that libvirt puts QEMU's main thread and the helpers into, with <emulatorpin> as its
// cpuset. Its siblings are for vCPUs and iothreads.
constexpr std::string_view emulator_group = "/emulator";

constexpr std::size_t max_processes = 32768;  // of which the programs are looked at

std::vector<pid_t> parse_processes(std::string_view text) {
    std::vector<pid_t> processes;
    while (!text.empty() && processes.size() <= max_helpers) {
        const std::size_t newline = text.find('\n');
        if (const auto process = parse_pid(text.substr(0, newline))) processes.push_back(*process);
        text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    }
    return processes;
}

// Processes of a group other than the VMM, up to one more than max_helpers.
std::vector<pid_t> read_members(const std::string& directory, pid_t vmm) {
    const auto text = read_small_file(directory + "/cgroup.procs");
    std::vector<pid_t> members = parse_processes(text.value_or(""));
    std::erase(members, vmm);
    return members;
}

bool is_emulator_group(const std::optional<Cgroup>& cgroup) {
    return cgroup && cgroup->path.ends_with(emulator_group);
}

// Members of the VMM's own group, in the hierarchy that holds its cpuset.
std::vector<pid_t> members_of_group(const Cgroup& cgroup, const std::string& cgroup_root,
                                    pid_t vmm) {
    // Anything may be in the root group.
    if (cgroup.path == "/") return {};
    return read_members(cgroup_root + (cgroup.unified ? "" : "/cpuset") + cgroup.path, vmm);
}

// The absolute paths on a command line, as words, values ("path=/run/a.sock,server=on") or JSON.
std::set<std::string_view> paths_on(std::string_view command_line) {
    constexpr std::string_view ends("=,\"\0", 4);
    std::set<std::string_view> paths;
    while (!command_line.empty()) {
        const std::string_view word = command_line.substr(0, command_line.find_first_of(ends));
        if (word.starts_with('/')) paths.insert(word);
        command_line.remove_prefix(std::min(word.size() + 1, command_line.size()));
    }
    return paths;
}

struct OpenFiles {
    bool has_vm = false;    // of KVM
    bool is_named = false;  // one of the sockets
};

// A process of one of these programs serves one guest, so that it is that guest's helper in any
// control group: Proxmox VE starts them in its daemon's.
bool serves_one_guest(std::string_view program) {
    constexpr std::string_view deleted = " (deleted)";  // its package was upgraded
    if (program.ends_with(deleted)) program.remove_suffix(deleted.size());
    return program.ends_with("/swtpm") || program.ends_with("/virtiofsd");
}

OpenFiles look_at_files(const Process& process, const std::set<std::string>& sockets) {
    OpenFiles found;
    for (const std::string& fd : process.open_files()) {
        const std::string file = process.read_link("fd/" + fd);
        if (file == "anon_inode:kvm-vm") found.has_vm = true;
        if (sockets.contains(file)) found.is_named = true;
    }
    return found;
}

// Empty for one that has ended, and for threads of the kernel.
std::string program_of(const std::string& pid) {
    std::error_code ignored;
    return std::filesystem::read_symlink("/proc/" + pid + "/exe", ignored).string();
}

// Those in the VMM's own group. None where another KVM VM is in it.
std::vector<pid_t> servers_in_group(const std::vector<pid_t>& members,
                                    const std::set<std::string>& sockets) {
    // So many processes serve more than one guest.
    if (members.size() > max_helpers) return {};
    std::vector<pid_t> servers;
    for (const pid_t member : members) {
        const auto process = Process::open(member);
        if (!process) continue;
        const OpenFiles files = look_at_files(*process, sockets);
        if (files.has_vm) return {};
        if (files.is_named) servers.push_back(member);
    }
    return servers;
}

std::vector<pid_t> servers_in_any_group(const std::set<std::string>& sockets) {
    std::vector<pid_t> servers;
    for (const std::string& name : list_directory(AT_FDCWD, "/proc", max_processes)) {
        const auto pid = parse_pid(name);
        if (!pid || !serves_one_guest(program_of(name))) continue;
        const auto process = Process::open(*pid);
        if (process && look_at_files(*process, sockets).is_named) servers.push_back(*pid);
    }
    return servers;
}

}  // namespace

std::vector<pid_t> find_helpers(pid_t qemu, std::string_view cgroup_text,
                                const std::string& cgroup_root) {
    const auto cgroup = parse_cgroup(cgroup_text);
    if (!is_emulator_group(cgroup)) return {};
    // With cgroup v2 it is a group of threads, and only the group above lists their processes.
    const std::string group =
        cgroup->unified ? cgroup->path.substr(0, cgroup->path.size() - emulator_group.size())
                        : "/cpuset" + cgroup->path;
    std::vector<pid_t> helpers = read_members(cgroup_root + group, qemu);
    if (helpers.size() > max_helpers) helpers.pop_back();
    return helpers;
}

std::set<std::string> sockets_named(std::string_view command_line, std::string_view net_unix) {
    std::set<std::string> links;
    for (const UnixSocket& socket : parse_unix_sockets(net_unix, paths_on(command_line)))
        links.insert("socket:[" + std::to_string(socket.inode) + "]");
    return links;
}

std::vector<pid_t> find_servers(const Process& vmm, std::string_view cgroup_text,
                                const std::string& cgroup_root) {
    const std::set<std::string> sockets =
        sockets_named(vmm.read("cmdline").value_or(""), vmm.read("net/unix").value_or(""));
    if (sockets.empty()) return {};
    const auto cgroup = parse_cgroup(cgroup_text);
    std::vector<pid_t> servers =
        cgroup ? servers_in_group(members_of_group(*cgroup, cgroup_root, vmm.pid()), sockets)
               : std::vector<pid_t>();
    for (const pid_t server : servers_in_any_group(sockets))
        if (std::find(servers.begin(), servers.end(), server) == servers.end() &&
            servers.size() < max_helpers)
            servers.push_back(server);
    return servers;
}

void add_cpu_time(const Process& process, GuestSample& sample) {
    const auto time = process.is_recording() ? std::nullopt : process_cpu_time(process.pid());
    if (time)
        sample.processes.push_back(
            {process.pid(), process.start_time(), static_cast<std::uint64_t>(time->count())});
}

// libvirt tells by the group alone. Else files of processes have to be looked at, which is done
// again when a member of the group has come or gone, or a helper has ended.
std::vector<pid_t> HelperReader::list(const Process& vmm, std::string_view cgroup_text) {
    const auto cgroup = parse_cgroup(cgroup_text);
    if (is_emulator_group(cgroup)) return find_helpers(vmm.pid(), cgroup_text, cgroup_root_);
    auto members =
        cgroup ? members_of_group(*cgroup, cgroup_root_, vmm.pid()) : std::vector<pid_t>();
    const bool one_has_ended =
        std::any_of(helpers_.begin(), helpers_.end(),
                    [](const auto& helper) { return !helper.second.process.alive(); });
    if (members != members_ || one_has_ended)
        servers_ = find_servers(vmm, cgroup_text, cgroup_root_);
    members_ = std::move(members);
    return servers_;
}

void HelperReader::find(const Process& vmm) {
    const auto cgroup = vmm.read("cgroup");
    std::map<pid_t, Helper> found;
    for (const pid_t pid : list(vmm, cgroup.value_or(""))) {
        const auto known = helpers_.find(pid);
        if (known != helpers_.end() && known->second.process.alive()) {
            found.insert(helpers_.extract(known));
            continue;
        }
        auto process = Process::open(pid);
        // The number may be another process's by now.
        if (process &&
            (process->read("cgroup") == cgroup || serves_one_guest(process->read_link("exe"))))
            found.emplace(pid, Helper{std::move(*process), ThreadReader(cgroup_root_)});
    }
    helpers_ = std::move(found);
}

void HelperReader::read(const Process& vmm, bool rare_too, GuestSample& sample) {
    if (vmm.is_recording()) return;
    if (rare_too) find(vmm);
    for (auto& [pid, helper] : helpers_) {
        // Names of threads are the helper's own and mean nothing here.
        GuestThreads threads = helper.threads.read(helper.process, ListedGuest(), rare_too);
        sample.helpers.insert(sample.helpers.end(), threads.vcpus.begin(), threads.vcpus.end());
        for (auto* some : {&threads.emulator, &threads.iothreads, &threads.vhost})
            std::move(some->begin(), some->end(), std::back_inserter(sample.helpers));
        add_cpu_time(helper.process, sample);
    }
}

}  // namespace vnuma
