#include "guests/process/kvm_process.hpp"

#include <algorithm>
#include <charconv>

#include "guests/process/vmm_names.hpp"

namespace vnuma {
namespace {

constexpr std::string_view vm_file = "anon_inode:kvm-vm", vcpu_file = "anon_inode:kvm-vcpu";

// The whole text as a number without a sign.
std::optional<int> parse_number(std::string_view text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
    return number;
}

std::set<pid_t> values_of(const std::map<int, pid_t>& threads) {
    std::set<pid_t> values;
    for (const auto& [number, thread] : threads)
        values.insert(thread);
    return values;
}

}  // namespace

void add_file(KvmFiles& files, std::string_view descriptor, std::string_view target) {
    if (target == vm_file) {
        if (const auto number = parse_number(descriptor)) files.vms.push_back(*number);
        return;
    }
    if (!target.starts_with(vcpu_file)) return;
    target.remove_prefix(vcpu_file.size());
    // Kernels before 5.1 name no numbers.
    if (target.empty()) files.vcpus.insert(static_cast<int>(files.vcpus.size()));
    if (!target.starts_with(':')) return;
    const auto vcpu = parse_number(target.substr(1));
    if (vcpu && *vcpu <= max_vcpu_number) files.vcpus.insert(*vcpu);
}

std::optional<KvmVm> parse_vm_directory(std::string_view name) {
    const std::size_t dash = name.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto maker = parse_number(name.substr(0, dash));
    const auto descriptor = parse_number(name.substr(dash + 1));
    if (!maker || !descriptor) return std::nullopt;
    return KvmVm{*maker, *descriptor};
}

std::optional<int> parse_vcpu_directory(std::string_view name) {
    constexpr std::string_view prefix = "vcpu";
    if (!name.starts_with(prefix)) return std::nullopt;
    return parse_number(name.substr(prefix.size()));
}

bool may_hold(const KvmFiles& files, const KvmVm& vm) {
    return std::find(files.vms.begin(), files.vms.end(), vm.descriptor) != files.vms.end();
}

std::map<int, pid_t> threads_of(const KvmVm& vm, const std::set<pid_t>& tasks) {
    std::map<int, pid_t> own;
    bool others = false;
    for (const auto& [vcpu, thread] : vm.threads)
        if (tasks.contains(thread))
            own.emplace(vcpu, thread);
        else
            others |= thread != 0;
    // The thread of a vCPU that was unplugged has ended.
    if (others && !tasks.contains(vm.maker)) own.clear();
    return own;
}

VcpuThreads join_vcpu_threads(const KvmFiles& files, const std::map<int, pid_t>& by_kvm,
                              const std::map<int, pid_t>& by_name) {
    using Source = VcpuThreads::Source;
    if (by_kvm.empty()) {
        if (by_name.empty()) return {};
        return {by_name, by_name.size() < files.vcpus.size() ? Source::some_names : Source::names};
    }
    const std::set<pid_t> known = values_of(by_kvm), named = values_of(by_name);
    // Those that have a name only have not run yet.
    if (std::includes(named.begin(), named.end(), known.begin(), known.end()))
        return {by_name, Source::kvm};
    // vCPUs whose threads have ended are counted too: the others keep their numbers.
    std::set<int> numbers = files.vcpus;
    for (const auto& [vcpu, thread] : by_kvm)
        numbers.insert(vcpu);
    VcpuThreads counted{{}, Source::kvm};
    int number = 0;
    for (const int vcpu : numbers) {
        const auto running = by_kvm.find(vcpu);
        if (running != by_kvm.end()) counted.threads.emplace(number, running->second);
        ++number;
    }
    return counted;
}

}  // namespace vnuma
