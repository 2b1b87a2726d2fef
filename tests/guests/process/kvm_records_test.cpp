#include "guests/process/kvm_records.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace vnuma {
namespace {

constexpr __u64 most = std::numeric_limits<__u64>::max();
constexpr kvm_record end{KVM_RECORD_VM_END, 1, 0, 0, 0};

kvm_record vcpu(__u32 id, __u64 thread) {
    return {KVM_RECORD_VCPU, id, thread, 0, 0};
}

kvm_record slot(__u64 page, __u64 pages, __u64 address) {
    return {KVM_RECORD_SLOT, 0, page, pages, address};
}

TEST(KvmRecords, TellThreadsAndMemorySlots) {
    const std::vector<kvm_record> records{slot(0x100, 2, 0x9000), slot(0, 1, 0x8000), end,
                                          vcpu(4, 73), vcpu(0, 72)};
    const KvmState state = state_of(records);
    EXPECT_EQ(state.threads, (std::map<int, pid_t>{{0, 72}, {4, 73}}));
    EXPECT_EQ(state.slots,
              (std::vector<KvmMemorySlot>{{0, 0x1000, 0x8000}, {0x100000, 0x2000, 0x9000}}));
}

TEST(KvmRecords, OfAVmWhoseSlotsWereNotAllReadTellNone) {
    const kvm_record cut{KVM_RECORD_VM_END, 0, 0, 0, 0};
    EXPECT_TRUE(state_of(std::vector<kvm_record>{slot(0, 1, 0x8000), cut}).slots.empty());
    EXPECT_TRUE(state_of(std::vector<kvm_record>{slot(0, 1, 0x8000)}).slots.empty());
}

TEST(KvmRecords, OfTheFirstVmWithMemoryCount) {
    const std::vector<kvm_record> records{end, slot(0, 1, 0x8000), end,        slot(0, 1, 0xa000),
                                          end, vcpu(0, 72),        vcpu(0, 80)};
    const KvmState state = state_of(records);
    EXPECT_EQ(state.slots, (std::vector<KvmMemorySlot>{{0, 0x1000, 0x8000}}));
    EXPECT_EQ(state.threads, (std::map<int, pid_t>{{0, 72}}));
}

TEST(KvmRecords, ThatCannotBeTrueAreIgnored) {
    const KvmState state = state_of(std::vector<kvm_record>{vcpu(0xffffffff, 72),
                                                            vcpu(1, 0),
                                                            vcpu(2, most),
                                                            slot(most, 1, 0x8000),
                                                            slot(0, 0, 0x8000),
                                                            slot(0, most, 0x8000),
                                                            slot(0, 1, 0),
                                                            slot(0, 1, most),
                                                            {77, 1, 1, 1, 1},
                                                            end});
    EXPECT_EQ(state, KvmState());
    EXPECT_EQ(state_of({}), KvmState());
}

}  // namespace
}  // namespace vnuma
