#include "guests/tracking/attribution/fault_counter.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/stat.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <system_error>
#include <utility>

#include "guests/tracking/attribution/bpf_log.hpp"
#include "guests/tracking/attribution/fault_event.hpp"
#include "guests/tracking/attribution/fault_tally.hpp"
// Generated.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include "guests/fault_counter.skel.h"
#pragma GCC diagnostic pop

namespace vnuma {
namespace {

// Entries that the kernel hands over in one call; about a tenth of a millisecond.
constexpr std::uint32_t max_entries_taken = 4'096;
// As many again as all entries take: vCPUs may add some behind the place that is being read.
constexpr int max_calls = 2 * max_fault_kinds / max_entries_taken + 1;
// The initial PID namespace (PROC_PID_INIT_INO), whose numbers the kernel's program sees.
constexpr ino_t initial_pid_namespace = 0xEFFFFFFC;

using Skeleton = std::unique_ptr<fault_counter, decltype(&fault_counter__destroy)>;

[[noreturn]] void fail(int error, const char* what) {
    throw std::system_error(error, std::generic_category(), what);
}

class KernelFaultCounter final : public FaultCounter {
  public:
    KernelFaultCounter(Skeleton program, int cpus)
        : program_(std::move(program)),
          watched_map_(bpf_map__fd(program_->maps.watched)),
          faults_map_(bpf_map__fd(program_->maps.faults)),
          tallies_map_(bpf_map__fd(program_->maps.tallies)),
          keys_(max_entries_taken),
          values_(max_entries_taken),
          by_cpu_(static_cast<std::size_t>(cpus)) {}

    bool watch(pid_t process, int shift) override;
    void unwatch(pid_t process) override;
    FaultCounts take() override;

  private:
    void take_faults(std::vector<CountedFaults>& faults);
    void keep(std::size_t entries, std::vector<CountedFaults>& faults) const;
    std::uint64_t take_dropped();

    Skeleton program_;
    int watched_map_, faults_map_, tallies_map_;  // the program's
    std::map<pid_t, watched_guest> watched_;
    std::uint32_t last_watch_ = 0;
    std::vector<fault_key> keys_;
    std::vector<fault_value> values_;
    std::vector<fault_tallies> by_cpu_;
    FaultTally taken_;  // as of the last take()
    Intervals intervals_{};
};

bool KernelFaultCounter::watch(pid_t process, int shift) {
    assert(process > 0 && shift >= min_bucket_shift && shift <= max_bucket_shift);
    const auto known = watched_.find(process);
    if (known != watched_.end() && known->second.shift == static_cast<std::uint32_t>(shift))
        return true;
    if (known == watched_.end() && watched_.size() >= max_watched_guests) return false;
    // Nobody's faults pass through the program while nobody is watched.
    if (watched_.empty())
        if (const int error = fault_counter__attach(program_.get()))
            fail(-error, "BPF program on kvm_page_fault");
    const watched_guest guest{static_cast<__u32>(shift), ++last_watch_};
    const int error = bpf_map_update_elem(watched_map_, &process, &guest, BPF_ANY);
    if (error != 0) fail(-error, "BPF map of watched guests");
    watched_[process] = guest;
    return true;
}

void KernelFaultCounter::unwatch(pid_t process) {
    // Fails only for what is not there.
    if (watched_.erase(process) == 0) return;
    bpf_map_delete_elem(watched_map_, &process);
    if (watched_.empty()) fault_counter__detach(program_.get());
}

void KernelFaultCounter::keep(std::size_t entries, std::vector<CountedFaults>& faults) const {
    for (std::size_t i = 0; i < entries; ++i) {
        const auto guest = watched_.find(static_cast<pid_t>(keys_[i].process));
        if (guest == watched_.end()) continue;
        if (const auto counted = counted_faults(keys_[i], values_[i], guest->second))
            faults.push_back(*counted);
    }
}

// A kernel with KVM's types has had calls for many entries at once for years.
void KernelFaultCounter::take_faults(std::vector<CountedFaults>& faults) {
    fault_key position{};
    for (int call = 0; call < max_calls; ++call) {
        __u32 entries = max_entries_taken;
        const int error =
            bpf_map_lookup_and_delete_batch(faults_map_, call == 0 ? nullptr : &position, &position,
                                            keys_.data(), values_.data(), &entries, nullptr);
        if (error != 0 && error != -ENOENT) fail(-error, "BPF map of faults");
        keep(std::min(entries, max_entries_taken), faults);
        if (error != 0) return;
    }
}

std::uint64_t KernelFaultCounter::take_dropped() {
    const __u32 only = 0;
    const int error = bpf_map_lookup_elem(tallies_map_, &only, by_cpu_.data());
    if (error != 0) fail(-error, "BPF map of tallies");
    const FaultTally now = sum_of(by_cpu_);
    const FaultTally added = difference(taken_, now);
    taken_ = now;
    intervals_ = add_intervals(intervals_, added.intervals);
    return added.dropped;
}

FaultCounts KernelFaultCounter::take() {
    FaultCounts counts;
    take_faults(counts.faults);
    counts.dropped = take_dropped();
    counts.fault_time = fault_time(intervals_);
    return counts;
}

// Otherwise, as on hosts that emulate virtualisation, KVM's faults have the guest's virtual
// addresses, or it has other events.
std::string no_nested_paging() {
    for (const char* file :
         {"/sys/module/kvm_amd/parameters/npt", "/sys/module/kvm_intel/parameters/ept"}) {
        std::ifstream parameter(file);
        char value = 0;
        if (parameter >> value && (value == 'Y' || value == '1')) return {};
    }
    return "KVM has no nested page tables here: neither npt of kvm_amd nor ept of kvm_intel is on";
}

std::string other_pid_namespace() {
    struct stat found {};
    if (::stat("/proc/self/ns/pid", &found) == 0 && found.st_ino != initial_pid_namespace)
        return "this process is in a PID namespace of its own, and the kernel counts by PIDs of the"
               " host";
    return {};
}

// What libbpf says of a missing permission would mislead. (EACCES is not one: that is for a program
// that the kernel's verifier does not like.)
std::string failed(const char* what, int error, const BpfLog& log) {
    const std::string text = what + std::string(": ") + std::strerror(error);
    if (error == EPERM) return "CAP_BPF and CAP_PERFMON are needed (" + text + ")";
    return log.text().empty() ? text : text + " (" + log.text() + ")";
}

}  // namespace

std::unique_ptr<FaultCounter> load_fault_counter(std::string& why_not) {
    why_not = other_pid_namespace();
    if (!why_not.empty()) return nullptr;
    const BpfLog log;
    const auto event = read_fault_event(why_not);
    if (!event) return nullptr;
    why_not = no_nested_paging();
    if (!why_not.empty()) return nullptr;
    Skeleton program(fault_counter__open(), &fault_counter__destroy);
    const int cpus = libbpf_num_possible_cpus();
    if (!program || cpus <= 0) {
        why_not = failed("opening the BPF program", errno, log);
        return nullptr;
    }
    program->rodata->vcpu_id_offset = event->vcpu_id;
    program->rodata->guest_mode_offset = event->guest_mode;
    bpf_map__set_max_entries(program->maps.watched, max_watched_guests);
    bpf_map__set_max_entries(program->maps.faults, max_fault_kinds);
    if (const int error = fault_counter__load(program.get())) {
        why_not = failed("loading the BPF program", -error, log);
        return nullptr;
    }
    if (const int error = fault_counter__attach(program.get())) {
        why_not = failed("attaching the BPF program to kvm_page_fault", -error, log);
        return nullptr;
    }
    fault_counter__detach(program.get());  // it can be done
    return std::make_unique<KernelFaultCounter>(std::move(program), cpus);
}

}  // namespace vnuma
