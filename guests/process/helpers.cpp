#include "guests/process/helpers.hpp"

#include <algorithm>
#include <charconv>
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

std::vector<pid_t> parse_processes(std::string_view text) {
    std::vector<pid_t> processes;
    while (!text.empty() && processes.size() <= max_helpers) {
        pid_t process = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), process);
        if (error == std::errc()) processes.push_back(process);
        const std::size_t newline = text.find('\n');
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

OpenFiles look_at_files(const Process& process, const std::set<std::string>& sockets) {
    OpenFiles found;
    for (const std::string& fd : process.open_files()) {
        const std::string file = process.read_link("fd/" + fd);
        if (file == "anon_inode:kvm-vm") found.has_vm = true;
        if (sockets.contains(file)) found.is_named = true;
    }
    return found;
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
    const auto cgroup = parse_cgroup(cgroup_text);
    if (!cgroup) return {};
    const std::vector<pid_t> members = members_of_group(*cgroup, cgroup_root, vmm.pid());
    const std::set<std::string> sockets =
        members.empty()
            ? std::set<std::string>()
            : sockets_named(vmm.read("cmdline").value_or(""), vmm.read("net/unix").value_or(""));
    // So many processes serve more than one guest.
    if (sockets.empty() || members.size() > max_helpers) return {};
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

void add_cpu_time(const Process& process, GuestSample& sample) {
    const auto time = process.is_recording() ? std::nullopt : process_cpu_time(process.pid());
    if (time)
        sample.processes.push_back(
            {process.pid(), process.start_time(), static_cast<std::uint64_t>(time->count())});
}

// libvirt tells by the group alone. In other groups the files of all members have to be looked at,
// which is done again when a member has come or gone.
std::vector<pid_t> HelperReader::list(const Process& vmm, std::string_view cgroup_text) {
    const auto cgroup = parse_cgroup(cgroup_text);
    if (is_emulator_group(cgroup)) return find_helpers(vmm.pid(), cgroup_text, cgroup_root_);
    if (!cgroup) return {};
    std::vector<pid_t> members = members_of_group(*cgroup, cgroup_root_, vmm.pid());
    if (members != members_) servers_ = find_servers(vmm, cgroup_text, cgroup_root_);
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
        if (process && process->read("cgroup") == cgroup)
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
