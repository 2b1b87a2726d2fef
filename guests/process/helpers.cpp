#include "guests/process/helpers.hpp"

#include <charconv>
#include <iterator>
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

}  // namespace

std::vector<pid_t> find_helpers(pid_t qemu, std::string_view cgroup_text,
                                const std::string& cgroup_root) {
    const auto cgroup = parse_cgroup(cgroup_text);
    if (!cgroup || !cgroup->path.ends_with(emulator_group)) return {};
    // With cgroup v2 it is a group of threads, and only the group above lists their processes.
    const std::string group =
        cgroup->unified ? cgroup->path.substr(0, cgroup->path.size() - emulator_group.size())
                        : "/cpuset" + cgroup->path;
    const auto text = read_small_file(cgroup_root + group + "/cgroup.procs");
    std::vector<pid_t> helpers = parse_processes(text.value_or(""));
    std::erase(helpers, qemu);
    if (helpers.size() > max_helpers) helpers.pop_back();
    return helpers;
}

void add_cpu_time(const Process& process, GuestSample& sample) {
    const auto time = process.is_recording() ? std::nullopt : process_cpu_time(process.pid());
    if (time)
        sample.processes.push_back(
            {process.pid(), process.start_time(), static_cast<std::uint64_t>(time->count())});
}

void HelperReader::find(const Process& qemu) {
    const auto cgroup = qemu.read("cgroup");
    std::map<pid_t, Helper> found;
    for (const pid_t pid : find_helpers(qemu.pid(), cgroup.value_or(""), cgroup_root_)) {
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

void HelperReader::read(const Process& qemu, bool rare_too, GuestSample& sample) {
    if (qemu.is_recording()) return;
    if (rare_too) find(qemu);
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
