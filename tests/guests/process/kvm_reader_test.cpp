// KVM's own data, read on a real KVM.
#include "guests/process/kvm_reader.hpp"

#include <gtest/gtest.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "tests/guests/tracking/attribution/tiny_vm.hpp"

namespace vnuma {
namespace {

constexpr Accesses accesses{0x20000, 1, 0x1000, true};

std::uint64_t address_of(const TinyVm& vm) {
    return reinterpret_cast<std::uintptr_t>(vm.memory().data());
}

TEST(LoadKvmReader, WorksOrSaysWhyNot) {
    std::string why_not;
    const auto reader = load_kvm_reader(why_not);
    EXPECT_EQ(reader == nullptr, !why_not.empty()) << why_not;
    EXPECT_LT(why_not.size(), 4096U);
    EXPECT_EQ(why_not.find('\n'), std::string::npos);
}

class KvmReaderOfAVm : public testing::Test {
  protected:
    void SetUp() override {
        std::string why_not = TinyVm::why_not();
        if (why_not.empty()) reader = load_kvm_reader(why_not);
        // In the lab nothing may be missing.
        if (!why_not.empty() && std::getenv("VNUMA_MUST_COUNT_FAULTS")) FAIL() << why_not;
        if (!why_not.empty()) GTEST_SKIP() << why_not;
    }

    std::unique_ptr<KvmReader> reader;
};

TEST_F(KvmReaderOfAVm, TellsTheThreadsThatRunItsVcpus) {
    const TinyVm vm;
    TinyVcpu first(vm, 0, 0x1000, accesses), second(vm, 5, 0x2000, accesses);
    const TinyVcpu never_run(vm, 6, 0x3000, accesses);
    EXPECT_TRUE(reader->read(::getpid()).threads.empty());
    first.run();
    std::thread([&] {
        second.run();
        EXPECT_EQ(reader->read(::getpid()).threads,
                  (std::map<int, pid_t>{{0, ::getpid()}, {5, ::gettid()}}));
    }).join();
}

TEST_F(KvmReaderOfAVm, TellsWhereItsMemoryIs) {
    constexpr std::size_t more_bytes = 64 << 20;
    const TinyVm vm(more_bytes);
    const KvmMemorySlot whole{0, TinyVm::memory_bytes + more_bytes, address_of(vm)};
    // Intel's KVM adds small slots of its own.
    const auto slots = reader->read(::getpid()).slots;
    EXPECT_EQ(std::count(slots.begin(), slots.end(), whole), 1);
    EXPECT_LE(slots.size(), 4U);
}

TEST_F(KvmReaderOfAVm, TellsHundredsOfMemorySlotsAndNoneOfTooMany) {
    constexpr std::uint32_t many = 400, too_many = 500;
    constexpr std::uint64_t page = 4096, above = std::uint64_t{4} << 30;
    const TinyVm vm(2 * page * too_many);
    for (std::uint32_t i = 1; i <= too_many; ++i) {
        kvm_userspace_memory_region region{};
        region.slot = i;
        region.memory_size = page;
        region.guest_phys_addr = above + 2 * page * i;
        region.userspace_addr = address_of(vm) + TinyVm::memory_bytes + 2 * page * (i - 1);
        ASSERT_EQ(::ioctl(vm.vm(), KVM_SET_USER_MEMORY_REGION, &region), 0);
        if (i != many) continue;
        const auto slots = reader->read(::getpid()).slots;
        EXPECT_GE(slots.size(), many + 1);
        EXPECT_EQ(slots.back(),
                  (KvmMemorySlot{region.guest_phys_addr, page, region.userspace_addr}));
    }
    EXPECT_TRUE(reader->read(::getpid()).slots.empty());
}

TEST_F(KvmReaderOfAVm, TellsNothingOfOtherProcesses) {
    const TinyVm vm;
    TinyVcpu vcpu(vm, 0, 0x1000, accesses);
    vcpu.run();
    EXPECT_EQ(reader->read(::getppid()), KvmState());
    EXPECT_EQ(reader->read(1 << 22), KvmState()) << "there is no such process";
}

}  // namespace
}  // namespace vnuma
