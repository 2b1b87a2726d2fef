// Fuzzes what is made of /proc/PID/fd and of the threads of a process. A line is "NUMBER TEXT": an
// open file with its target, and a thread with its name; or the name of a directory in KVM's
// debugfs.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "guests/discovery/domain_from_mappings.hpp"
#include "guests/process/kvm_process.hpp"
#include "guests/process/parse_proc.hpp"
#include "guests/process/thread_roles.hpp"
#include "guests/process/vmm_names.hpp"

using namespace vnuma;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

bool is_in_one_line(std::string_view text) {
    return text.find('\n') == std::string_view::npos;
}

void check_vcpus(const KvmFiles& files, const std::map<int, pid_t>& by_kvm,
                 const std::map<int, pid_t>& by_name) {
    const VcpuThreads vcpus = join_vcpu_threads(files, by_kvm, by_name);
    require((vcpus.source == VcpuThreads::Source::none) == vcpus.threads.empty());
    for (const auto& [vcpu, thread] : vcpus.threads)
        require(vcpu >= 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view all(reinterpret_cast<const char*>(data), size);
    KvmFiles files;
    KvmVm vm;
    std::set<pid_t> tasks;
    std::map<int, pid_t> named;
    pid_t task = 0;
    for (std::string_view rest = all; !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        const std::string_view number = line.substr(0, line.find(' '));
        const std::string_view text = line.substr(std::min(number.size() + 1, line.size()));
        add_file(files, number, text);
        tasks.insert(++task);
        if (const auto vcpu = parse_vcpu_thread_name(text)) {
            require(*vcpu >= 0 && *vcpu <= max_vcpu_number);
            require(role_by_name(text) == ThreadRole::vcpu);
            named.emplace(*vcpu, task);
            vm.threads.emplace(*vcpu, task);
        }
        state_by_thread_name(text);
        if (const auto found = parse_vm_directory(number)) {
            require(found->maker >= 0 && found->descriptor >= 0);
            vm.maker = found->maker;
            vm.descriptor = found->descriptor;
        }
        if (const auto vcpu = parse_vcpu_directory(number)) require(*vcpu >= 0);
    }
    may_hold(files, vm);
    check_vcpus(files, threads_of(vm, tasks), named);
    check_vcpus(files, {}, named);
    check_vcpus(files, vm.threads, {});
    require(is_in_one_line(name_by_group(program_of(all), all)));
    require(is_in_one_line(find_name_argument(all)));
    const Domain domain = domain_from_mappings(parse_maps(all), files.vcpus);
    require(domain.cells.size() == 1 && domain.cells[0].bytes >= 0);
    require(domain.memory_devices.size() < 2 * max_ram_mappings);
    return 0;
}
