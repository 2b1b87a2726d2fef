// Guests of which KVM itself tells what nothing else does.
#include <gtest/gtest.h>

#include <functional>
#include <system_error>

#include "guests/discovery/proc_source.hpp"
#include "guests/guest_reader.hpp"
#include "tests/guests/discovery/proc_tree.hpp"

namespace vnuma {
namespace {

constexpr std::uint64_t mib = 1 << 20;

class FakeKvm final : public KvmReader {
  public:
    explicit FakeKvm(std::function<KvmState(pid_t)> read) : read_(std::move(read)) {}
    KvmState read(pid_t process) override { return read_(process); }

  private:
    std::function<KvmState(pid_t)> read_;
};

class ProcSourceWithKvm : public ::testing::Test {
  protected:
    void add(const test::VmmProcess& added) {
        process = added;
        tree.add(process);
    }
    void add_without_names(const char* shape, const char* name) {
        test::VmmProcess nameless = test::read_vmm(shape);
        for (auto& [task, task_name] : nameless.tasks)
            task_name = name;
        add(nameless);
    }
    // The only guest, after all of its threads have run.
    ListedGuest list_one() {
        source.list();
        tree.run_all(process, run_ns += 1'000'000);
        now += std::chrono::seconds(2);
        const auto guests = source.list();
        EXPECT_EQ(guests.size(), 1U);
        return guests.empty() ? ListedGuest() : guests.front();
    }
    std::unique_ptr<KvmReader> load(std::string& why_not) {
        ++loads;
        why_not = refusal;
        if (!refusal.empty()) return nullptr;
        return std::make_unique<FakeKvm>([this](pid_t pid) {
            ++reads;
            if (fails) throw std::system_error(ENOMEM, std::generic_category(), "reading KVM");
            return pid == process.pid ? state : KvmState();
        });
    }

    test::ProcTree tree;
    test::VmmProcess process;
    KvmState state;
    std::string refusal;
    bool fails = false;
    int loads = 0, reads = 0;
    std::chrono::steady_clock::time_point now{};
    std::uint64_t run_ns = 1000;
    ProcSource source{tree.roots(), [this] { return now; },
                      [this](std::string& why_not) { return load(why_not); }};
};

TEST_F(ProcSourceWithKvm, NothingIsLoadedWhereAllIsKnown) {
    add(test::read_vmm("proxmox"));
    EXPECT_EQ(list_one().vcpu_threads.size(), 2U);
    EXPECT_EQ(loads, 0);
}

TEST_F(ProcSourceWithKvm, ThreadsWithoutNamesAreToldByKvm) {
    add_without_names("proxmox", "kvm");
    state.threads = {{0, 4720}, {1, 4721}};
    const ListedGuest guest = list_one();
    EXPECT_EQ(guest.vcpu_threads, (std::map<int, pid_t>{{0, 4720}, {1, 4721}}));
    EXPECT_EQ(guest.unsteady, "");
    EXPECT_EQ(guest.certainty,
              "vCPU threads from KVM by BPF; cells and sizes from QEMU's command line; migrations "
              "are not seen, since QEMU does not name its threads");
    const int before = reads;
    list_one();
    EXPECT_EQ(reads, before) << "all is known";
}

TEST_F(ProcSourceWithKvm, DebugfsIsAskedFirst) {
    add_without_names("proxmox", "kvm");
    tree.files.write("sys/kernel/debug/kvm/4711-13/vcpu0/pid", "4720\n");
    tree.files.write("sys/kernel/debug/kvm/4711-13/vcpu1/pid", "4721\n");
    EXPECT_EQ(list_one().vcpu_threads.size(), 2U);
    EXPECT_EQ(loads, 0);
}

TEST_F(ProcSourceWithKvm, ThreadsOfOtherProcessesAreNone) {
    add_without_names("proxmox", "kvm");
    state.threads = {{0, 99'998}, {1, 99'999}};
    EXPECT_TRUE(list_one().vcpu_threads.empty());
}

TEST_F(ProcSourceWithKvm, MappingsThatKvmDoesNotHaveAreNoRam) {
    test::VmmProcess vmm = test::read_vmm("cloud-hypervisor");
    vmm.maps += "7f1000000000-7f1100000000 rw-p 00000000 00:00 0\n";
    add(vmm);
    state.slots = {{0, 3072 * mib, 0x7f0000000000}, {4096 * mib, 1024 * mib, 0x7f0200000000}};
    const ListedGuest guest = list_one();
    ASSERT_TRUE(guest.domain);
    EXPECT_EQ(guest.domain->cells.at(0).bytes, static_cast<std::int64_t>(3072 * mib));
    EXPECT_EQ(guest.domain->memory_devices.size(), 1U);
    EXPECT_EQ(guest.certainty,
              "vCPU threads by their names; memory from KVM by BPF; migrations are not seen");

    GuestReader reader(tree.roots());
    GuestSample sample = reader.read(guest, source, true);
    reader.memory().fill(sample, now);
    EXPECT_EQ(std::string(sample.map_source), "kvm");
    ASSERT_EQ(sample.cells.at(0).blocks.size(), 2U);
    EXPECT_EQ(sample.cells[0].blocks[1].host.start, 0x7f0200000000U);
    ASSERT_EQ(sample.cells[0].blocks[1].guest.size(), 1U);
    EXPECT_EQ(sample.cells[0].blocks[1].guest[0].start, 4096 * mib);
}

TEST_F(ProcSourceWithKvm, MemoryThatKvmDoesNotTellNowIsWhereItWas) {
    add(test::read_vmm("cloud-hypervisor"));
    state.slots = {{0, 3072 * mib, 0x7f0000000000}};
    const auto domain = list_one().domain;
    EXPECT_TRUE(domain->memory_devices.empty());
    state.slots.clear();
    const int before = reads;
    for (std::size_t i = 0; i < ProcGuest::lists_for_all; ++i)
        EXPECT_EQ(list_one().domain, domain);
    EXPECT_GT(reads, before);
}

TEST_F(ProcSourceWithKvm, AVmmThatHasNotGivenKvmItsMemoryYetIsDescribedByItsMappings) {
    add(test::read_vmm("cloud-hypervisor"));
    state.slots = {{0xc0000, mib, 0x7e0000000000}};
    const ListedGuest guest = list_one();
    EXPECT_EQ(guest.domain->cells.at(0).bytes, static_cast<std::int64_t>(3072 * mib));
    EXPECT_FALSE(guest.memory);
    EXPECT_NE(guest.certainty.find("by the size of its mappings"), std::string::npos);
}

TEST_F(ProcSourceWithKvm, CellsOfOneSizeAreToldApart) {
    test::VmmProcess qemu = test::read_vmm("proxmox");
    qemu.words = {"qemu-system-x86_64",
                  "-machine",
                  "q35",
                  "-m",
                  "1024",
                  "-smp",
                  "2",
                  "-object",
                  "memory-backend-ram,id=a,size=512M",
                  "-object",
                  "memory-backend-ram,id=b,size=512M",
                  "-numa",
                  "node,nodeid=0,cpus=0,memdev=a",
                  "-numa",
                  "node,nodeid=1,cpus=1,memdev=b"};
    qemu.maps =
        "7f0000000000-7f0020000000 rw-p 00000000 00:00 0\n"
        "7f0100000000-7f0120000000 rw-p 00000000 00:00 0\n";
    add(qemu);
    state.slots = {{0, 512 * mib, 0x7f0100000000}, {512 * mib, 512 * mib, 0x7f0000000000}};
    const ListedGuest guest = list_one();
    EXPECT_EQ(guest.certainty,
              "vCPU threads by their names; cells and sizes from QEMU's command line, their places "
              "from KVM by BPF");
    GuestReader reader(tree.roots());
    GuestSample sample = reader.read(guest, source, true);
    reader.memory().fill(sample, now);
    ASSERT_EQ(sample.cells.size(), 2U);
    EXPECT_EQ(sample.cells[0].blocks.at(0).host.start, 0x7f0100000000U);
    EXPECT_EQ(sample.cells[1].blocks.at(0).host.start, 0x7f0000000000U);
}

TEST_F(ProcSourceWithKvm, WhatKeepsItFromBeingReadIsSaidAndTriedAgainLater) {
    add_without_names("proxmox", "kvm");
    refusal = "CAP_BPF is needed";
    EXPECT_EQ(list_one().unsteady,
              "nothing tells which of its threads are its 2 vCPUs: neither KVM's debugfs nor their "
              "names, and BPF cannot: CAP_BPF is needed");
    tree.add_task(process, 4790, "worker");
    list_one();
    EXPECT_EQ(loads, 1);
    refusal.clear();
    state.threads = {{0, 4720}, {1, 4721}};
    now += KvmAccess::retry_interval;
    tree.add_task(process, 4791, "worker");
    EXPECT_EQ(list_one().vcpu_threads.size(), 2U);
    EXPECT_EQ(loads, 2);
}

TEST_F(ProcSourceWithKvm, AFailedReadHasItLoadedAgainLater) {
    add_without_names("proxmox", "kvm");
    fails = true;
    EXPECT_NE(list_one().unsteady.find("reading KVM: "), std::string::npos);
    EXPECT_EQ(reads, 1);
    fails = false;
    state.threads = {{0, 4720}, {1, 4721}};
    now += KvmAccess::retry_interval;
    tree.add_task(process, 4790, "worker");
    EXPECT_EQ(list_one().unsteady, "");
    EXPECT_EQ(loads, 2);
}

}  // namespace
}  // namespace vnuma
