#include "guests/discovery/qemu_command_line.hpp"

#include <gtest/gtest.h>

#include "guests/discovery/qemu_options.hpp"
#include "tests/guests/discovery/words.hpp"
#include "tests/guests/golden.hpp"

namespace vnuma {
namespace {

using test::words;

constexpr std::int64_t mib = 1 << 20, gib = 1024 * mib;

Domain parse(std::initializer_list<std::string_view> all) {
    return parse_qemu_command_line(words(all), {});
}

TEST(QemuCommandLine, AgreesWithLibvirtsXml) {
    for (const char* shape :
         {"vnuma", "memfd", "hugetlb", "helpers", "wishes", "memory-devices", "hotplug"}) {
        const Domain expected = test::golden_domain(shape);
        const Domain domain = parse_qemu_command_line(
            test::read_golden(std::string("lab/") + shape + "/process/cmdline"), {});
        EXPECT_EQ(domain.uuid, expected.uuid) << shape;
        EXPECT_EQ(domain.name, expected.name) << shape;
        EXPECT_EQ(domain.machine, expected.machine) << shape;
        ASSERT_EQ(domain.cells.size(), expected.cells.size()) << shape;
        for (std::size_t i = 0; i < domain.cells.size(); ++i) {
            EXPECT_EQ(domain.cells[i].id, expected.cells[i].id) << shape;
            EXPECT_EQ(domain.cells[i].vcpus, expected.cells[i].vcpus) << shape;
            EXPECT_EQ(domain.cells[i].bytes, expected.cells[i].bytes) << shape;
        }
        ASSERT_EQ(domain.memory_devices.size(), expected.memory_devices.size()) << shape;
        for (std::size_t i = 0; i < domain.memory_devices.size(); ++i) {
            const MemoryDevice &device = domain.memory_devices[i],
                               &other = expected.memory_devices[i];
            EXPECT_EQ(device.id, other.id) << shape;
            EXPECT_EQ(device.kind, other.kind) << shape;
            EXPECT_EQ(device.cell, other.cell) << shape;
            EXPECT_EQ(device.bytes, other.bytes) << shape;
        }
        EXPECT_TRUE(domain.problems.empty()) << shape;
    }
}

TEST(QemuCommandLine, ReadsAGuestThatWasStartedByHand) {
    const Domain domain =
        parse_qemu_command_line(test::read_golden("lab/direct/process/cmdline"), {});
    EXPECT_EQ(domain.uuid, "4fc5b389-1b01-4c38-8973-47ee502e9632");
    EXPECT_EQ(domain.name, "direct");
    EXPECT_EQ(domain.machine, "q35");
    ASSERT_EQ(domain.cells.size(), 2U);
    EXPECT_EQ(domain.cells[1].bytes, 288 * mib);
    EXPECT_EQ(domain.cells[1].vcpus, std::vector<int>{1});
}

TEST(QemuCommandLine, ReadsAGuestOfProxmox) {
    const Domain domain =
        parse({"/usr/bin/kvm",
               "-id",
               "100",
               "-name",
               "web,,a,debug-threads=on",
               "-no-shutdown",
               "-smbios",
               "type=1,uuid=C0FFEE00-1111-4222-8333-444455556666",
               "-smp",
               "8,sockets=2,cores=4,maxcpus=8",
               "-nodefaults",
               "-m",
               "8192",
               "-object",
               "memory-backend-ram,id=ram-node0,size=4096M,host-nodes=0,policy=bind",
               "-numa",
               "node,nodeid=0,cpus=0-3,memdev=ram-node0",
               "-object",
               "memory-backend-ram,id=ram-node1,size=4096M,host-nodes=1,policy=preferred",
               "-numa",
               "node,nodeid=1,cpus=4-7,memdev=ram-node1",
               "-device",
               "vfio-pci,host=0000:41:00.0,id=hostpci0",
               "-machine",
               "type=pc-i440fx-9.0+pve0"});
    EXPECT_EQ(domain.uuid, "c0ffee00-1111-4222-8333-444455556666");
    EXPECT_EQ(domain.name, "web,a");
    EXPECT_EQ(domain.machine, "pc-i440fx-9.0+pve0");
    ASSERT_EQ(domain.cells.size(), 2U);
    EXPECT_EQ(domain.cells[0].vcpus, (std::vector<int>{0, 1, 2, 3}));
    EXPECT_EQ(domain.cells[0].bytes, 4 * gib);
    EXPECT_EQ(domain.tuning.cell_nodes.at(0), (NumaTune{"strict", {0}}));
    EXPECT_EQ(domain.tuning.cell_nodes.at(1), (NumaTune{"preferred", {1}}));
    EXPECT_EQ(domain.host_devices, std::vector<std::string>{"0000:41:00.0"});
    EXPECT_TRUE(domain.problems.empty());
}

TEST(QemuCommandLine, ReadsAGuestOfKata) {
    const Domain domain =
        parse({"/opt/kata/bin/qemu-system-x86_64", "-name", "sandbox-0123456789ab,debug-threads=on",
               "-uuid", "a1a2a3a4-1111-4222-8333-444455556666", "-machine", "q35,accel=kvm", "-cpu",
               "host", "-m", "2048M,slots=10,maxmem=16G", "-object",
               "memory-backend-file,id=dimm1,size=2048M,mem-path=/dev/shm,share=on", "-numa",
               "node,memdev=dimm1", "-smp", "1,cores=1,threads=1,sockets=8,maxcpus=8"});
    EXPECT_EQ(domain.name, "sandbox-0123456789ab");
    ASSERT_EQ(domain.cells.size(), 1U);
    EXPECT_EQ(domain.cells[0].bytes, 2 * gib);
    EXPECT_EQ(domain.cells[0].vcpus.size(), 8U) << "all that can be plugged in";
}

TEST(QemuCommandLine, DefaultsAreQemus) {
    const Domain domain = parse({"qemu-system-x86_64", "-nodefaults"});
    EXPECT_EQ(domain.uuid, "");
    EXPECT_EQ(domain.name, "");
    EXPECT_FALSE(domain.machine.empty());
    ASSERT_EQ(domain.cells.size(), 1U);
    EXPECT_EQ(domain.cells[0].bytes, 128 * mib);
    EXPECT_EQ(domain.cells[0].vcpus, std::vector<int>{0});
}

TEST(QemuCommandLine, ReadsConfigurationFilesAndTheCommandLineAfterThem) {
    const std::string line =
        words({"qemu", "-readconfig", "/etc/vm.conf", "-readconfig", "more.conf", "-m", "3G"});
    EXPECT_EQ(find_config_files(line), (std::vector<std::string>{"/etc/vm.conf", "more.conf"}));
    const Domain domain = parse_qemu_command_line(
        line, {"[memory]\n size = \"2G\"\n[smp-opts]\n cpus = \"4\"\n[name]\n guest = \"conf\"\n"
               "[machine]\n type = \"q35\"\n"});
    EXPECT_EQ(domain.name, "conf");
    EXPECT_EQ(domain.machine, "q35");
    EXPECT_EQ(domain.cells.at(0).bytes, 3 * gib);
    EXPECT_EQ(domain.cells.at(0).vcpus.size(), 4U);
}

TEST(QemuCommandLine, ReadsMemoryDevices) {
    const Domain domain =
        parse({"qemu", "-m", "4G,slots=4,maxmem=32G", "-object", "memory-backend-ram,id=m1,size=1G",
               "-device", "pc-dimm,id=dimm1,memdev=m1,node=0,addr=0x140000000", "-object",
               R"({"qom-type":"memory-backend-memfd","id":"m2","size":8589934592})", "-device",
               R"({"driver":"virtio-mem-pci","id":"vm0","memdev":"m2","requested-size":1073741824,)"
               R"("addr":"0x5"})",
               "-object", "memory-backend-file,id=m3,size=16G,mem-path=/dev/dax0.0", "-device",
               "nvdimm,id=nv,memdev=m3", "-device", "pc-dimm,id=lost,memdev=m9"});
    ASSERT_EQ(domain.memory_devices.size(), 3U);
    EXPECT_EQ(domain.memory_devices[0].kind, "dimm");
    EXPECT_EQ(domain.memory_devices[0].address, 0x140000000U);
    EXPECT_EQ(domain.memory_devices[0].plugged, gib);
    EXPECT_EQ(domain.memory_devices[1].kind, "virtio-mem");
    EXPECT_EQ(domain.memory_devices[1].bytes, 8 * gib);
    EXPECT_EQ(domain.memory_devices[1].plugged, gib);
    EXPECT_EQ(domain.memory_devices[1].address, std::nullopt) << "that is its place on the bus";
    EXPECT_EQ(domain.memory_devices[2].kind, "nvdimm");
    ASSERT_EQ(domain.problems.size(), 1U);
    EXPECT_NE(domain.problems[0].find("lost"), std::string::npos);
    EXPECT_EQ(domain.cells.at(0).bytes, 4 * gib) << "backends of devices are not counted";
}

TEST(QemuCommandLine, ReadsDistancesAndEmptyCells) {
    const Domain domain =
        parse({"qemu", "-m", "2G", "-smp", "4", "-object", "memory-backend-ram,id=r0,size=2G",
               "-numa", "node,nodeid=0,cpus=0,cpus=2-3,memdev=r0", "-numa", "node,nodeid=2",
               "-numa", "dist,src=0,dst=2,val=21"});
    ASSERT_EQ(domain.cells.size(), 2U);
    EXPECT_EQ(domain.cells[0].vcpus, (std::vector<int>{0, 1, 2, 3})) << "1 is in no cell";
    EXPECT_EQ(domain.cells[0].distances.at(2), 21);
    EXPECT_EQ(domain.cells[1].id, 2);
    EXPECT_EQ(domain.cells[1].bytes, 0);
    EXPECT_TRUE(domain.cells[1].vcpus.empty());
}

TEST(QemuCommandLine, ReadsVcpusByTheirPlace) {
    const Domain domain =
        parse({"qemu", "-m", "2G", "-smp", "8,sockets=2,cores=2,threads=2", "-object",
               "memory-backend-ram,id=r0,size=1G", "-object", "memory-backend-ram,id=r1,size=1G",
               "-numa", "node,nodeid=0,memdev=r0", "-numa", "node,nodeid=1,memdev=r1", "-numa",
               "cpu,node-id=1,socket-id=0", "-numa", "cpu,node-id=0,socket-id=1"});
    ASSERT_EQ(domain.cells.size(), 2U);
    EXPECT_EQ(domain.cells[1].vcpus, (std::vector<int>{0, 1, 2, 3}));
    EXPECT_EQ(domain.cells[0].vcpus, (std::vector<int>{4, 5, 6, 7}));
}

TEST(QemuCommandLine, WhereNoCellNamesVcpusSocketsStayTogether) {
    const Domain domain =
        parse({"qemu", "-m", "2G", "-smp", "4,sockets=2,cores=2", "-object",
               "memory-backend-ram,id=r0,size=1G", "-object", "memory-backend-ram,id=r1,size=1G",
               "-numa", "node,memdev=r0", "-numa", "node,memdev=r1"});
    ASSERT_EQ(domain.cells.size(), 2U);
    EXPECT_EQ(domain.cells[0].vcpus, (std::vector<int>{0, 1}));
    EXPECT_EQ(domain.cells[1].vcpus, (std::vector<int>{2, 3}));
}

TEST(QemuCommandLine, CellsThatShareOneBlockAreOne) {
    const Domain domain = parse({"qemu", "-m", "2G", "-smp", "2", "-numa", "node,cpus=0,mem=1G",
                                 "-numa", "node,cpus=1,mem=1G"});
    ASSERT_EQ(domain.cells.size(), 1U);
    EXPECT_EQ(domain.cells[0].bytes, 2 * gib);
    EXPECT_EQ(domain.cells[0].vcpus, (std::vector<int>{0, 1}));
    EXPECT_EQ(domain.problems.size(), 1U);
}

TEST(QemuCommandLine, TheBackendOfTheMachineIsItsMemory) {
    const Domain domain =
        parse({"qemu", "-m", "2G", "-machine", "q35,memory-backend=pc.ram", "-object",
               R"({"qom-type":"memory-backend-memfd","id":"pc.ram",)"
               R"("size":2147483648,"host-nodes":[1],"policy":"interleave"})"});
    EXPECT_EQ(domain.cells.at(0).bytes, 2 * gib);
    EXPECT_EQ(domain.tuning.cell_nodes.at(0), (NumaTune{"interleave", {1}}));
}

TEST(QemuCommandLine, WhatIsNotUnderstoodCostsOnlyItself) {
    const Domain domain =
        parse({"qemu", "-name", "a\nb", "-uuid", "no-uuid", "-m", "lots", "-smp", "many", "-object",
               "memory-backend-ram,id=x", "-object", "{", "-numa", "node,nodeid=99999,cpus=x"});
    EXPECT_EQ(domain.name, "a?b");
    EXPECT_EQ(domain.uuid, "");
    EXPECT_EQ(domain.cells.size(), 1U);
    EXPECT_EQ(domain.cells[0].vcpus, std::vector<int>{0});
    EXPECT_EQ(domain.problems.size(), 3U) << "-m, the backend, and the JSON";
    EXPECT_EQ(parse({"qemu", "-uuid", "00000000-0000-0000-0000-000000000000"}).uuid, "");
    EXPECT_EQ(parse_qemu_command_line("", {}).cells.size(), 1U);
}

TEST(QemuCommandLine, MemoryDevicesHaveALimit) {
    std::string line = words({"qemu", "-m", "1G", "-object", "memory-backend-ram,id=m,size=1G"});
    for (int i = 0; i < 1025; ++i)
        line += words({"-device", "pc-dimm,memdev=m"});
    const Domain domain = parse_qemu_command_line(line, {});
    EXPECT_EQ(domain.memory_devices.size(), 1024U);
    EXPECT_EQ(domain.problems, std::vector<std::string>{
                                   "it has more than 1024 memory devices; the others are ignored"});
}

TEST(QemuCommandLine, NoSumOfSizesIsMoreThanAHostHas) {
    const Domain domain = parse(
        {"qemu", "-m", "1G", "-object", "memory-backend-ram,id=m,size=3072T", "-object",
         "memory-backend-ram,id=c,size=1T", "-numa", "node,memdev=m", "-numa", "node,memdev=m",
         "-device", "pc-dimm,id=a,memdev=m", "-device", "pc-dimm,id=b,memdev=c", "-device",
         "virtio-mem-pci,id=v,memdev=c,requested-size=4096T"});
    ASSERT_EQ(domain.cells.size(), 2U);
    EXPECT_EQ(domain.cells[0].bytes, 3072 * 1024 * gib);
    EXPECT_FALSE(domain.cells[1].size_known);
    ASSERT_EQ(domain.memory_devices.size(), 2U);
    EXPECT_EQ(domain.memory_devices[0].id, "b");
    EXPECT_EQ(domain.memory_devices[1].plugged, 1024 * gib) << "no more than its backend";
    ASSERT_EQ(domain.problems.size(), 2U);
    EXPECT_NE(domain.problems[0].find("cell 1 makes its memory more than 4 PiB"),
              std::string::npos);
    EXPECT_NE(domain.problems[1].find("device a makes its memory"), std::string::npos);
}

TEST(QemuCommandLine, NamingVcpusAgainAndAgainEndsSomewhere) {
    const std::string node =
        "[object \"m\"]\n qom-type = \"memory-backend-ram\"\n size = \"1G\"\n"
        "[numa]\n type = \"node\"\n memdev = \"m\"\n";
    std::string by_number = node, by_place = node;
    for (int i = 0; i < 1000; ++i) {
        by_number += " cpus = \"0-8190\"\n";
        by_place += "[numa]\n type = \"cpu\"\n node-id = \"0\"\n";
    }
    for (const std::string& config : {by_number, by_place}) {
        const Domain domain =
            parse_qemu_command_line(words({"qemu", "-smp", "8192"}), {config, config, config});
        ASSERT_EQ(domain.cells.size(), 3U);
        EXPECT_EQ(domain.cells[0].vcpus.size(), 8192U);
        EXPECT_EQ(domain.problems,
                  std::vector<std::string>{
                      "its options -numa name 1048576 vCPUs or more; the others are ignored"});
    }
}

TEST(QemuCommandLine, ReadsThePlaceOfEachVcpu) {
    const std::string line =
        words({"qemu", "-smp", "9,maxcpus=12,sockets=2,dies=1,cores=3,threads=2", "-object",
               "memory-backend-ram,id=m,size=1G", "-numa", "node,memdev=m", "-numa",
               "node,memdev=m", "-numa", "cpu,node-id=1,core-id=1", "-numa",
               "cpu,node-id=1,socket-id=1,core-id=2,thread-id=1", "-numa",
               "cpu,node-id=0,socket-id=1,core-id=1", "-numa", "cpu,node-id=1,core-id=3", "-numa",
               "cpu,node-id=1,socket-id=2"});
    const Domain domain = parse_qemu_command_line(line, {});
    ASSERT_EQ(domain.cells.size(), 2U);
    EXPECT_EQ(domain.cells[1].vcpus, (std::vector<int>{2, 3, 8, 9, 11}));
    EXPECT_EQ(domain.cells[0].vcpus, (std::vector<int>{0, 1, 4, 5, 6, 7, 10}));
}

TEST(QemuCommandLine, OptionsAndConfigurationFilesHaveOneLimit) {
    std::string config;
    for (std::size_t i = 0; i < 250; ++i)
        config += "[name]\n guest = \"" + std::string(max_qemu_field_bytes, 'a') + "\"\n";
    const Domain domain =
        parse_qemu_command_line(words({"qemu"}), std::vector<std::string>(16, config));
    EXPECT_EQ(domain.problems,
              std::vector<std::string>{"its options and configuration files have more than 4 MiB "
                                       "together; the rest is ignored"});
}

TEST(QemuCommandLine, NodesThatAreNotUnderstoodAreTheOwnersStill) {
    const Domain domain =
        parse({"qemu", "-m", "2G", "-machine", "q35,memory-backend=r", "-object",
               "memory-backend-ram,id=r,size=2G,policy=bind,host-nodes=0-1,host-nodes=x"});
    EXPECT_EQ(domain.tuning.cell_nodes.at(0), (NumaTune{"strict", {0, 1}, false}));
}

TEST(QemuCommandLine, KnowsLockedMemoryAndADirtyRing) {
    EXPECT_NE(parse({"qemu", "-overcommit", "mem-lock=on"}).immovable, "");
    EXPECT_EQ(parse({"qemu", "-overcommit", "mem-lock=off"}).immovable, "");
    EXPECT_TRUE(parse({"qemu", "-accel", "kvm,dirty-ring-size=4096"}).dirty_ring);
    EXPECT_NE(parse({"qemu", "-M", "pc-q35-7.2,max-ram-below-4g=1G"}).machine, "pc-q35-7.2");
}

}  // namespace
}  // namespace vnuma
