#include "guests/process/kvm_debugfs.hpp"

#include <fcntl.h>

#include <charconv>
#include <vector>

#include "guests/process/files.hpp"

namespace vnuma {
namespace {

constexpr std::size_t max_vms = 16384, max_entries = 16384;

std::string below(const std::string& directory, const std::string& name) {
    return directory + "/" + name;
}

void read_threads(const std::string& directory, KvmVm& vm) {
    for (const std::string& name : list_directory(AT_FDCWD, directory, max_entries)) {
        const auto vcpu = parse_vcpu_directory(name);
        const auto text = vcpu ? read_small_file(below(directory, name) + "/pid") : std::nullopt;
        if (!text) continue;
        pid_t thread = 0;
        std::from_chars(text->data(), text->data() + text->size(), thread);
        vm.threads[*vcpu] = thread;
    }
}

}  // namespace

std::map<int, pid_t> read_vcpu_threads(const std::string& sysfs, const KvmFiles& files,
                                       const std::set<pid_t>& tasks) {
    const std::string root = sysfs + "/kernel/debug/kvm";
    const std::vector<std::string> names = list_directory(AT_FDCWD, root, max_vms);
    // The VMs of other processes are read only if the thread that made this one has ended.
    for (const bool by_maker : {true, false})
        for (const std::string& name : names) {
            auto vm = parse_vm_directory(name);
            if (!vm || !may_hold(files, *vm) || tasks.contains(vm->maker) != by_maker) continue;
            read_threads(below(root, name), *vm);
            if (auto threads = threads_of(*vm, tasks); !threads.empty()) return threads;
        }
    return {};
}

}  // namespace vnuma
