#include "guests/process/kvm_records.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "guests/process/vmm_names.hpp"

namespace vnuma {
namespace {

constexpr int page_shift = 12;
// Of guest-physical addresses and of those of processes, which have fewer bits than a word.
constexpr std::uint64_t max_address = std::uint64_t{1} << 57, max_pages = max_address >> page_shift;

bool may_be_true(const kvm_record& slot) {
    return slot.value < max_pages && slot.pages > 0 && slot.pages < max_pages && slot.address > 0 &&
           slot.address < max_address;
}

}  // namespace

KvmState state_of(std::span<const kvm_record> records) {
    KvmState state;
    std::vector<KvmMemorySlot> slots;
    for (const kvm_record& record : records) {
        if (record.kind == KVM_RECORD_VCPU && record.id <= static_cast<__u32>(max_vcpu_number) &&
            record.value > 0 && record.value <= std::numeric_limits<pid_t>::max())
            state.threads.emplace(record.id, static_cast<pid_t>(record.value));
        if (record.kind == KVM_RECORD_SLOT && may_be_true(record))
            slots.push_back(
                {record.value << page_shift, record.pages << page_shift, record.address});
        if (record.kind == KVM_RECORD_VM_END) {
            if (record.id != 0 && state.slots.empty()) state.slots = std::move(slots);
            slots.clear();
        }
    }
    std::sort(state.slots.begin(), state.slots.end(),
              [](const KvmMemorySlot& a, const KvmMemorySlot& b) { return a.guest < b.guest; });
    return state;
}

}  // namespace vnuma
