#include "guests/discovery/proc_source.hpp"

#include <gtest/gtest.h>

#include "guests/guest_reader.hpp"
#include "tests/guests/discovery/proc_tree.hpp"

namespace vnuma {
namespace {

using std::chrono::seconds;

constexpr std::int64_t mib = 1 << 20;

class ProcSourceTest : public ::testing::Test {
  protected:
    void add(const test::VmmProcess& process) {
        tree.add(process);
        processes.push_back(process);
    }
    std::vector<ListedGuest> list(seconds later = seconds(0)) {
        now += later;
        return source.list();
    }
    // As list(), after all threads have run.
    std::vector<ListedGuest> list_running() {
        run_ns += 1'000'000;
        for (const test::VmmProcess& process : processes)
            tree.run_all(process, run_ns);
        return list(seconds(2));
    }
    // The only guest, once it has been seen running.
    ListedGuest list_one() {
        list();
        const auto guests = list_running();
        EXPECT_EQ(guests.size(), 1U);
        return guests.empty() ? ListedGuest() : guests.front();
    }
    void tell_threads_by_kvm(const std::string& vm, std::initializer_list<pid_t> threads) const {
        int vcpu = 0;
        for (const pid_t thread : threads)
            tree.files.write(
                "sys/kernel/debug/kvm/" + vm + "/vcpu" + std::to_string(vcpu++) + "/pid",
                std::to_string(thread) + "\n");
    }

    test::ProcTree tree;
    std::vector<test::VmmProcess> processes;
    std::chrono::steady_clock::time_point now{};
    std::uint64_t run_ns = 1000;
    ProcSource source{tree.roots(), [this] { return now; }};
};

struct Vmm {
    const char* shape;
    const char* name;
    const char* uuid;
    std::size_t vcpus, possible_vcpus;
    std::vector<std::int64_t> ram_mib;
    const char* certainty;
};

class EveryVmm : public ProcSourceTest, public ::testing::WithParamInterface<Vmm> {};

TEST_P(EveryVmm, IsFoundWithItsVcpusAndItsMemory) {
    const Vmm& vmm = GetParam();
    add(test::read_vmm(vmm.shape));
    const ListedGuest guest = list_one();
    EXPECT_EQ(guest.name, vmm.name);
    EXPECT_EQ(guest.uuid, vmm.uuid);
    EXPECT_EQ(std::string(guest.source), "proc");
    EXPECT_EQ(guest.certainty, vmm.certainty);
    EXPECT_EQ(guest.state, RunState::running);
    EXPECT_EQ(guest.unsteady, "");
    EXPECT_EQ(guest.vcpu_threads.size(), vmm.vcpus);
    ASSERT_TRUE(guest.domain && guest.process);
    EXPECT_EQ(guest.domain->cells.at(0).vcpus.size(), vmm.possible_vcpus);
    EXPECT_TRUE(guest.domain->problems.empty());

    GuestReader reader(tree.roots());
    GuestSample sample = reader.read(guest, source, true);
    reader.memory().fill(sample, std::chrono::steady_clock::now());
    EXPECT_EQ(sample.cells.at(0).vcpus.size(), vmm.vcpus);
    std::vector<std::int64_t> ram_mib;
    for (const RamBlock& block : sample.cells[0].blocks)
        ram_mib.push_back(static_cast<std::int64_t>(block.host.size) / mib);
    EXPECT_EQ(ram_mib, vmm.ram_mib);
}

constexpr const char* by_command_line =
    "vCPU threads by their names; cells and sizes from QEMU's command line";
constexpr const char* by_mappings =
    "vCPU threads by their names; memory by the size of its mappings; migrations are not seen";

INSTANTIATE_TEST_SUITE_P(
    Vmms, EveryVmm,
    ::testing::Values(Vmm{"proxmox",
                          "web",
                          "1d3cbe55-3b4e-4b2c-9c7a-0a1b2c3d4e5f",
                          2,
                          2,
                          {4096},
                          by_command_line},
                      Vmm{"kata-qemu",
                          "sandbox-0123456789abcdef",
                          "a1a2a3a4-1111-4222-8333-444455556666",
                          2,
                          4,
                          {2048},
                          by_command_line},
                      Vmm{"cloud-hypervisor",
                          "cloud-hypervisor-podfeed0001-abc",
                          "6100-30000",
                          4,
                          4,
                          {3072, 1024},
                          by_mappings},
                      Vmm{"firecracker", "web-1", "7000-40000", 2, 2, {1024}, by_mappings},
                      Vmm{"crosvm", "crosvm-vm@termina", "8000-50000", 2, 2, {2048}, by_mappings},
                      Vmm{"kvmtool", "db", "9000-60000", 2, 2, {512}, by_mappings}),
    [](const auto& info) {
        std::string name = info.param.shape;
        std::erase(name, '-');
        return name;
    });

TEST_F(ProcSourceTest, AnImageOfPersistentMemoryIsNotTakenForRam) {
    add(test::read_vmm("cloud-hypervisor-pmem"));
    const ListedGuest guest = list_one();
    ASSERT_EQ(guest.domain->problems.size(), 1U);
    EXPECT_NE(guest.domain->problems[0].find("106496 MiB of files that it shares"),
              std::string::npos);
    GuestReader reader(tree.roots());
    GuestSample sample = reader.read(guest, source, true);
    reader.memory().fill(sample, std::chrono::steady_clock::now());
    EXPECT_EQ(sample.cells.at(0).size, 4096 * mib);
    ASSERT_EQ(sample.cells[0].blocks.size(), 1U) << "one image is as large as the RAM";
    EXPECT_EQ(sample.cells[0].blocks[0].backing, "/memfd:ch_ram (deleted)");
}

TEST_F(ProcSourceTest, AsksNobody) {
    add(test::read_vmm("proxmox"));
    const ListedGuest guest = list_one();
    EXPECT_FALSE(guest.has_monitor);
    EXPECT_FALSE(source.may_ask_monitor());
    EXPECT_THROW(source.read_ram_view(guest.uuid), MonitorError);
    EXPECT_THROW(source.start_write_measurement(guest.uuid, seconds(1)), MonitorError);
    EXPECT_THROW(source.read_write_measurement(guest.uuid), MonitorError);
}

TEST_F(ProcSourceTest, TheDomainIsTheSameObjectUntilItChanges) {
    test::VmmProcess process = test::read_vmm("firecracker");
    add(process);
    const auto domain = list_one().domain;
    EXPECT_EQ(list_running().at(0).domain, domain);
    process.maps += "7f1000000000-7f1020000000 rw-p 00000000 00:00 0\n";
    tree.files.write(tree.directory_of(7000) + "maps", process.maps);
    tree.files.write(tree.directory_of(7000) + "statm", "9999 1 1 1 0 1 0\n");
    const auto plugged = list_running().at(0).domain;
    ASSERT_NE(plugged, domain);
    EXPECT_EQ(plugged->memory_devices.at(0).bytes, 512 * mib);
}

TEST_F(ProcSourceTest, MemoryThatWasPluggedIntoQemuIsSaid) {
    test::VmmProcess process = test::read_vmm("proxmox");
    add(process);
    EXPECT_TRUE(list_one().domain->problems.empty());
    process.maps += "7f1000000000-7f1040000000 rw-p 00000000 00:00 0\n";
    tree.files.write(tree.directory_of(4711) + "maps", process.maps);
    std::shared_ptr<const Domain> domain;
    for (std::size_t i = 0; i < ProcGuest::lists_for_all; ++i)
        domain = list().at(0).domain;
    ASSERT_EQ(domain->problems.size(), 1U);
    EXPECT_NE(domain->problems[0].find("maps 1024 MiB"), std::string::npos);
}

TEST_F(ProcSourceTest, KvmTellsThreadsThatHaveNoNames) {
    test::VmmProcess process = test::read_vmm("proxmox");
    for (auto& [task, name] : process.tasks)
        name = "qemu-system-x86";
    add(process);
    tell_threads_by_kvm("4711-13", {4720, 4721});
    const ListedGuest guest = list_one();
    EXPECT_EQ(guest.vcpu_threads, (std::map<int, pid_t>{{0, 4720}, {1, 4721}}));
    EXPECT_EQ(guest.unsteady, "");
    EXPECT_EQ(guest.certainty,
              "vCPU threads from KVM's debugfs; cells and sizes from QEMU's command line; "
              "migrations are not seen, since QEMU does not name its threads");
}

TEST_F(ProcSourceTest, AGuestWhoseVcpusNothingTellsIsLeftAloneAndSaid) {
    test::VmmProcess process = test::read_vmm("proxmox");
    for (auto& [task, name] : process.tasks)
        name = "qemu-system-x86";
    add(process);
    tell_threads_by_kvm("9999-13", {10, 11});
    const ListedGuest guest = list_one();
    EXPECT_TRUE(guest.vcpu_threads.empty());
    EXPECT_EQ(guest.unsteady,
              "nothing tells which of its threads are its 2 vCPUs: neither KVM's debugfs nor their "
              "names");
}

TEST_F(ProcSourceTest, AThreadIsKnownByANameThatItGetsLater) {
    test::VmmProcess process = test::read_vmm("firecracker");
    process.tasks[7003] = "firecracker";
    add(process);
    EXPECT_EQ(list().at(0).vcpu_threads.size(), 1U);
    tree.files.write(tree.directory_of(7000) + "task/7003/comm", "fc_vcpu 1\n");
    EXPECT_EQ(list().at(0).vcpu_threads.size(), 2U);
}

TEST_F(ProcSourceTest, AGuestIsRunningOnceAVcpuHasRun) {
    const test::VmmProcess process = test::read_vmm("firecracker");
    add(process);
    ListedGuest guest = list().at(0);
    EXPECT_EQ(guest.state, RunState::unknown);
    EXPECT_EQ(guest.unsteady, "it has not been seen running yet");
    tree.run(process, 7001, 5'000'000);
    EXPECT_EQ(list(seconds(2)).at(0).state, RunState::unknown) << "that is no vCPU";
    tree.run(process, 7003, 5'000'000);
    EXPECT_EQ(list(seconds(2)).at(0).state, RunState::running);
    EXPECT_EQ(source.read_state(guest.uuid), RunState::running);
}

TEST_F(ProcSourceTest, AGuestWhoseVcpusDoNotRunIsPaused) {
    const test::VmmProcess process = test::read_vmm("firecracker");
    add(process);
    const std::string uuid = list_one().uuid;
    EXPECT_EQ(list(seconds(2)).at(0).state, RunState::running) << "it may be idle";
    const ListedGuest paused = list(seconds(4)).at(0);
    EXPECT_EQ(paused.state, RunState::paused);
    EXPECT_EQ(paused.unsteady, "its vCPUs do not run: it is paused or halted");
    EXPECT_EQ(source.read_state(uuid), RunState::paused);
    EXPECT_EQ(list_running().at(0).unsteady, "");
}

TEST_F(ProcSourceTest, AMigrationShowsByItsThread) {
    const test::VmmProcess process = test::read_vmm("proxmox");
    add(process);
    const std::string uuid = list_one().uuid;
    tree.add_task(process, 4799, "live_migration");
    EXPECT_EQ(source.read_state(uuid), RunState::migrating) << "before the next list, too";
    const ListedGuest guest = list_running().at(0);
    EXPECT_EQ(guest.state, RunState::migrating);
    EXPECT_EQ(guest.unsteady, "it is migrating");
    std::filesystem::remove_all(tree.files.path(tree.directory_of(4711) + "task/4799"));
    EXPECT_EQ(list_running().at(0).state, RunState::running);
}

TEST_F(ProcSourceTest, GuestsWithOneUuidAreToldApartByTheirProcesses) {
    test::VmmProcess older = test::read_vmm("proxmox");
    test::VmmProcess younger = older;
    younger.pid = 3000;
    younger.start = 20000;
    younger.tasks = {{3000, "kvm"}, {3001, "CPU 0/KVM"}, {3002, "CPU 1/KVM"}};
    add(older);
    add(younger);
    list();
    const auto guests = list_running();
    ASSERT_EQ(guests.size(), 2U);
    EXPECT_EQ(guests[0].uuid, "1d3cbe55-3b4e-4b2c-9c7a-0a1b2c3d4e5f");
    EXPECT_EQ(guests[0].pid, 4711);
    EXPECT_EQ(guests[1].uuid, "1d3cbe55-3b4e-4b2c-9c7a-0a1b2c3d4e5f/3000-20000");
    EXPECT_EQ(guests[1].unsteady, "") << "both are served";
    EXPECT_EQ(source.read_state(guests[1].uuid), RunState::running);
    EXPECT_THROW(source.read_state("another"), MonitorError);
}

TEST_F(ProcSourceTest, AGuestKeepsItsUuidWhenAnotherOneWithItEnds) {
    test::VmmProcess older = test::read_vmm("proxmox"), younger = older, third = older;
    const std::string uuid = "1d3cbe55-3b4e-4b2c-9c7a-0a1b2c3d4e5f";
    younger.pid = 3000;
    younger.start = 20000;
    younger.tasks = {{3000, "kvm"}, {3001, "CPU 0/KVM"}, {3002, "CPU 1/KVM"}};
    add(older);
    add(younger);
    EXPECT_EQ(list().at(0).uuid, uuid);
    tree.remove(older.pid);
    auto guests = list(KvmProcesses::walk_interval);
    ASSERT_EQ(guests.size(), 1U);
    EXPECT_EQ(guests[0].uuid, uuid + "/3000-20000");
    EXPECT_EQ(source.read_state(guests[0].uuid), RunState::paused);
    third.pid = 5000;
    third.start = 30000;
    third.tasks = {{5000, "kvm"}, {5001, "CPU 0/KVM"}, {5002, "CPU 1/KVM"}};
    tree.add(third);
    guests = list();
    ASSERT_EQ(guests.size(), 2U);
    EXPECT_EQ(guests[0].uuid, uuid + "/3000-20000");
    EXPECT_EQ(guests[1].uuid, uuid) << "nobody has it any more";
}

TEST_F(ProcSourceTest, GuestsOfOneGroupHaveTheirPidsInTheirNames) {
    test::VmmProcess older = test::read_vmm("crosvm");
    test::VmmProcess younger = older;
    younger.pid = 8100;
    younger.start = 60000;
    younger.tasks = {{8100, "crosvm"}, {8101, "crosvm_vcpu0"}};
    add(older);
    add(younger);
    const auto guests = list();
    ASSERT_EQ(guests.size(), 2U);
    EXPECT_EQ(guests[0].name, "crosvm-vm@termina");
    EXPECT_EQ(guests[1].name, "crosvm-vm@termina-8100");
}

TEST_F(ProcSourceTest, AGuestIsGoneWithItsVmOrItsProcess) {
    add(test::read_vmm("firecracker"));
    const std::string uuid = list_one().uuid;
    const std::string files = tree.files.path(tree.directory_of(7000) + "fd");
    for (const int descriptor : {12, 13, 14})
        std::filesystem::remove(files + "/" + std::to_string(descriptor));
    EXPECT_THROW(source.read_state(uuid), MonitorError);
    EXPECT_TRUE(list().empty());
    EXPECT_THROW(source.read_state(uuid), MonitorError);
    tree.remove(7000);
    EXPECT_TRUE(list(KvmProcesses::walk_interval).empty());
}

TEST_F(ProcSourceTest, ConfigurationFilesAreReadAsTheProcessSeesThem) {
    test::VmmProcess process = test::read_vmm("proxmox");
    process.words = {"qemu-system-x86_64", "-readconfig", "/etc/vm.conf", "-readconfig",
                     "name.conf",          "-readconfig", "/etc/none"};
    add(process);
    const std::string root = tree.directory_of(4711) + "root/";
    tree.files.link("/opt/vm.conf", root + "etc/vm.conf");
    tree.files.write(root + "opt/vm.conf", "[memory]\n size = \"4G\"\n");
    tree.files.link("/home/vm", tree.directory_of(4711) + "cwd");
    tree.files.write(root + "home/vm/name.conf", "[name]\n guest = \"inside\"\n");
    const ListedGuest guest = list_one();
    EXPECT_EQ(guest.name, "inside");
    EXPECT_EQ(guest.domain->cells.at(0).bytes, 4096 * mib);
    EXPECT_EQ(guest.domain->cells[0].vcpus.size(), 2U) << "KVM has more than -smp";
    ASSERT_EQ(guest.domain->problems.size(), 2U);
    EXPECT_EQ(guest.domain->problems[0], "its configuration file /etc/none cannot be read");
}

TEST_F(ProcSourceTest, ConfigurationFilesOfAProcessWithARootOfItsOwnAreFound) {
    test::VmmProcess process = test::read_vmm("proxmox");
    process.words = {"qemu-system-x86_64", "-readconfig", "name.conf"};
    add(process);
    // The links have paths as vnumad sees them.
    const std::string root = tree.files.path("jail");
    tree.files.link(root, tree.directory_of(4711) + "root");
    tree.files.link(root + "/home/vm", tree.directory_of(4711) + "cwd");
    tree.files.write("jail/home/vm/name.conf", "[name]\n guest = \"inside\"\n");
    EXPECT_EQ(list_one().name, "inside");
}

TEST_F(ProcSourceTest, ACommandLineIsReadToItsLimit) {
    test::VmmProcess process = test::read_vmm("proxmox");
    process.words = {"qemu-system-x86_64",
                     "-name",
                     "long",
                     "-append",
                     std::string(std::size_t{4} << 20, 'a'),
                     "-m",
                     "1T"};
    add(process);
    const ListedGuest guest = list_one();
    EXPECT_EQ(guest.name, "long");
    EXPECT_EQ(guest.domain->cells.at(0).bytes, 128 * mib) << "QEMU's default";
    EXPECT_EQ(guest.domain->problems.at(0),
              "its command line has more than 4 MiB; the rest is ignored");
}

}  // namespace
}  // namespace vnuma
