#include "guests/discovery/domain_xml.hpp"

#include "tests/guests/golden.hpp"

namespace vnuma {
namespace {

Domain parse(const std::string& body) {
    std::string error;
    const auto domain = parse_domain(
        "<domain type='kvm' id='1'><name>web</name><uuid>3caba501</uuid>" + body + "</domain>",
        error);
    EXPECT_TRUE(domain) << error;
    return domain.value_or(Domain{});
}

std::string error_of(const std::string& xml) {
    std::string error;
    EXPECT_FALSE(parse_domain(xml, error)) << xml;
    return error;
}

TEST(ParseDomain, CellsHaveTheDistancesOfTheVirtualSlit) {
    const auto domain = parse(
        "<memory unit='KiB'>589824</memory><vcpu>2</vcpu><cpu><numa>"
        "<cell id='0' cpus='0' memory='256' unit='MiB'><distances><sibling id='0' value='10'/>"
        "<sibling id='1' value='16'/><sibling id='2' value='x'/></distances></cell>"
        "<cell id='1' cpus='1' memory='320' unit='MiB'/></numa></cpu>");
    EXPECT_EQ(domain.cells[0].distances, (std::map<int, int>{{0, 10}, {1, 16}}));
    EXPECT_TRUE(domain.cells[1].distances.empty());
    EXPECT_EQ(
        domain.problems,
        std::vector<std::string>{"<sibling> of <cell id='0'> must have a cell and a distance, not "
                                 "\"2\" and \"x\"; it is ignored"});
}

TEST(ParseDomain, EachCellHasANumberOfItsOwn) {
    const auto parse_cells = [](const std::string& first, const std::string& second) {
        return parse("<memory>2048</memory><vcpu>2</vcpu><cpu><numa><cell " + first +
                     " cpus='0' memory='1024'/><cell " + second +
                     " cpus='1' memory='1024'/></numa></cpu>");
    };
    const Domain unnamed = parse_cells("", "");
    ASSERT_EQ(unnamed.cells.size(), 2U);
    EXPECT_EQ(unnamed.cells[1].id, 1) << "as in libvirt";
    EXPECT_TRUE(unnamed.problems.empty());
    for (const char* id : {"zero", "-1", "0x0", ""}) {
        const Domain unreadable = parse_cells("id='0'", "id='" + std::string(id) + "'");
        ASSERT_EQ(unreadable.cells.size(), 2U) << id;
        EXPECT_EQ(unreadable.cells[1].id, 1) << id;
        EXPECT_EQ(unreadable.problems.at(0),
                  "attribute id of <cell> must be the number of a cell, not \"" + std::string(id) +
                      "\"; it is taken for cell 1");
    }
    const Domain twice = parse_cells("id='3'", "id='3'");
    ASSERT_EQ(twice.cells.size(), 1U);
    EXPECT_EQ(twice.cells[0].vcpus, std::vector<int>{0});
    EXPECT_EQ(twice.problems,
              std::vector<std::string>{"<numa> must have one <cell id='3'>; all but the first are "
                                       "ignored"});
}

// Disks 1 and 3 are on a port of cell 1's bus, disk 2 on cell 0's, disk 4 on none.
TEST(ParseDomain, AnIothreadServesTheCellWhoseBusesItsDevicesAreOn) {
    const auto disk = [](const std::string& driver, const std::string& bus) {
        return "<disk type='block'><driver name='qemu' " + driver +
               "</driver><address type='pci' domain='0x0000' bus='" + bus +
               "' slot='0x00' function='0x0'/></disk>";
    };
    const auto cells = [&](const std::string& disks) {
        return parse(
                   "<memory>524288</memory><vcpu>2</vcpu><devices>"
                   "<controller type='pci' index='0' model='pcie-root'/>"
                   "<controller type='pci' index='10' model='pcie-expander-bus'>"
                   "<target busNr='254'><node>0</node></target><address type='pci' bus='0x00'/>"
                   "</controller>"
                   "<controller type='pci' index='11' model='pcie-expander-bus'>"
                   "<target busNr='248'><node>1</node></target><address type='pci' bus='0x00'/>"
                   "</controller>"
                   "<controller type='pci' index='16' model='pcie-root-port'>"
                   "<address type='pci' bus='0x0b'/></controller>"
                   "<controller type='pci' index='18' model='pcie-root-port'>"
                   "<address type='pci' bus='0x12'/></controller>" +
                   disks + "</devices>")
            .iothread_cells;
    };
    EXPECT_EQ(cells(disk("iothread='1'>", "0x10") + disk("iothread='2'>", "0x0a") +
                    disk("><iothreads><iothread id='1'/></iothreads>", "0x10") +
                    disk("iothread='4'>", "0x00")),
              (std::map<int, int>{{1, 1}, {2, 0}}));
    EXPECT_TRUE(cells(disk("iothread='1'>", "0x10") + disk("iothread='1'>", "0x0a")).empty())
        << "it serves two cells";
    EXPECT_TRUE(cells(disk("iothread='1'>", "0x10") + disk("iothread='1'>", "0x00")).empty())
        << "it serves all cells as well";
    EXPECT_TRUE(cells(disk("iothread='1'>", "0x12")).empty()) << "the port is on itself";
    EXPECT_TRUE(cells(disk("iothread='1'>", "x") + disk("iothread='x'>", "0x0a")).empty());
}

TEST(ParseDomain, AGuestWithoutVnumaIsOneCell) {
    const Domain domain =
        parse("<memory unit='KiB'>524288</memory><vcpu placement='static'>2</vcpu>");
    EXPECT_EQ(domain.name, "web");
    EXPECT_EQ(domain.uuid, "3caba501");
    ASSERT_EQ(domain.cells.size(), 1U);
    EXPECT_EQ(domain.cells[0].vcpus, (std::vector<int>{0, 1}));
    EXPECT_EQ(domain.cells[0].bytes, 512LL << 20);
    EXPECT_EQ(domain.immovable, "");
}

TEST(ParseDomain, ReadsCellsWithTheirVcpusAndMemory) {
    const Domain domain = parse(
        "<memory unit='KiB'>589824</memory><vcpu>4</vcpu><cpu><numa>"
        "<cell id='0' cpus='0-1' memory='262144' unit='KiB'/>"
        "<cell id='1' cpus='2-3' memory='320' unit='MiB'/></numa></cpu>");
    ASSERT_EQ(domain.cells.size(), 2U);
    EXPECT_EQ(domain.cells[0].bytes, 256LL << 20);
    EXPECT_EQ(domain.cells[1].vcpus, (std::vector<int>{2, 3}));
    EXPECT_EQ(domain.cells[1].bytes, 320LL << 20);
}

TEST(ParseDomain, MemoryIsImmovableWhereADeviceAnEncryptionOrALockPinsIt) {
    const std::string head = "<memory>1024</memory><vcpu>1</vcpu>";
    EXPECT_NE(parse(head + "<devices><hostdev mode='subsystem' type='pci'/></devices>").immovable,
              "");
    EXPECT_NE(parse(head + "<devices><interface type='hostdev'/></devices>").immovable, "");
    EXPECT_NE(parse(head + "<devices><disk type='nvme' device='disk'/></devices>").immovable, "");
    EXPECT_NE(parse(head + "<devices><disk type='vhostvdpa' device='disk'/></devices>").immovable,
              "");
    EXPECT_NE(parse(head + "<launchSecurity type='sev'/>").immovable, "");
    EXPECT_NE(parse(head + "<memoryBacking><locked/></memoryBacking>").immovable, "");
    EXPECT_EQ(parse(head + "<devices><hostdev mode='subsystem' type='usb'/></devices>").immovable,
              "");
}

TEST(ParseDomain, ReadsWhetherKvmHasADirtyRing) {
    const std::string head = "<memory>1024</memory><vcpu>1</vcpu>";
    EXPECT_FALSE(parse(head).dirty_ring);
    for (const char* state : {"on", "off"})
        EXPECT_EQ(parse(head + "<features><kvm><dirty-ring state='" + state +
                        "' size='4096'/></kvm></features>")
                      .dirty_ring,
                  std::string(state) == "on");
}

TEST(ParseDomain, OnlyTextThatIsNoDomainIsRefused) {
    EXPECT_TRUE(error_of("<domain").starts_with("the XML is not well-formed: "));
    EXPECT_EQ(error_of("<network/>"), "the root element must be <domain>");
}

std::vector<std::string> problems_of(const std::string& xml) {
    std::string error;
    const auto domain = parse_domain(xml, error);
    EXPECT_TRUE(domain) << error;
    return domain.value_or(Domain{}).problems;
}

TEST(ParseDomain, AProblemNamesTheElementAndTheAttribute) {
    using Problems = std::vector<std::string>;
    const auto in_domain = [](const std::string& body) {
        return problems_of("<domain><name>a</name><uuid>u</uuid>" + body + "</domain>");
    };
    EXPECT_EQ(problems_of("<domain><memory>1</memory></domain>"),
              (Problems{"<domain> must have a <uuid>", "<domain> must have a <name>"}));
    EXPECT_EQ(
        in_domain("<memory>0</memory><vcpu>1</vcpu>"),
        Problems{"<memory> must be larger than all memory devices together; where that memory "
                 "is can only be estimated"});
    EXPECT_EQ(in_domain("<memory unit='XiB'>5</memory><vcpu>1</vcpu>"),
              Problems{"<memory> must be a size in a unit that libvirt knows, not \"5\" in "
                       "\"XiB\"; where that memory is can only be estimated"});
    EXPECT_EQ(in_domain("<memory>99999999999999999999</memory><vcpu>1</vcpu>").size(), 1U);
    EXPECT_EQ(
        in_domain("<cpu><numa><cell id='3' cpus='x' memory='1'/></numa></cpu>"),
        Problems{"attribute cpus of <cell id='3'> must be a list of vCPUs from 0 to 4095, not "
                 "\"x\"; its vCPUs are left alone"});
    EXPECT_EQ(in_domain("<cpu><numa><cell id='3' cpus='0'/></numa></cpu>"),
              Problems{"attribute memory of <cell id='3'> must be a size in a unit that libvirt "
                       "knows, not \"\" in \"KiB\"; where that memory is can only be estimated"});
}

TEST(ParseDomain, WithoutVcpuThereIsOneAsInLibvirt) {
    const Domain domain = parse("<memory>1024</memory>");
    EXPECT_EQ(domain.cells.at(0).vcpus, std::vector<int>{0});
    EXPECT_TRUE(domain.problems.empty());
}

TEST(ParseDomain, AProblemRepeatsTheBeginningOfAValueInPrintableCharacters) {
    EXPECT_EQ(
        parse("<memory>1</memory><vcpu>\x1b[2J" + std::string(99, '1') + "</vcpu>").problems.at(0),
        "<vcpu> must be an integer from 1 to 4096, not \"?[2J" + std::string(28, '1') + "\"");
}

TEST(ParseDomain, MoreVcpusThanQemusLargestMachineHasAreAProblemThatNamesTheElement) {
    const std::string head = "<memory>1024</memory>";
    const std::string cells = "<cpu><numa><cell id='0' cpus='0' memory='1024'/></numa></cpu>";
    for (const std::string& rest : {std::string(), cells})
        EXPECT_EQ(parse(head + "<vcpu cpuset='0'>100000</vcpu>" + rest).problems.at(0),
                  "<vcpu> must be an integer from 1 to 4096, not \"100000\"");
    for (const char* count : {"0", "-1", "4097", "two", "", "99999999999999999999"}) {
        const Domain domain = parse(head + "<vcpu>" + count + "</vcpu>");
        EXPECT_EQ(domain.problems.at(0),
                  "<vcpu> must be an integer from 1 to 4096, not \"" + std::string(count) + "\"");
        EXPECT_TRUE(domain.cells.at(0).vcpus.empty()) << "those that run are taken";
    }
    const Domain many = parse(head +
                              "<vcpu>2</vcpu><cpu><numa><cell id='0' cpus='0-4096' memory='1024'/>"
                              "</numa></cpu>");
    EXPECT_EQ(many.problems.at(0),
              "attribute cpus of <cell id='0'> must be a list of vCPUs from 0 to 4095, not "
              "\"0-4096\"; its vCPUs are left alone");
    const Domain together =
        parse(head +
              "<vcpu>2</vcpu><cpu><numa><cell id='0' cpus='0-4095' memory='1024'/>"
              "<cell id='1' cpus='0' memory='1024'/></numa></cpu>");
    EXPECT_EQ(
        together.problems.at(0),
        "the cells of <numa> must have at most 4096 vCPUs together; those of <cell id='1'> are "
        "left alone");
    EXPECT_EQ(together.cells.at(1).bytes, 1 << 20) << "all else of the cell is in force";
    EXPECT_EQ(parse("<memory>1024</memory><vcpu cpuset='1'> 4096\n</vcpu>").tuning.vcpupin.size(),
              4096U);
}

TEST(ParseDomain, APinOfAVcpuThatNoMachineHasIsLeftOut) {
    const DomainTuning tuning =
        parse(
            "<memory>1024</memory><vcpu>1</vcpu><cputune>"
            "<vcpupin vcpu='0' cpuset='2'/><vcpupin vcpu='4096' cpuset='2'/>"
            "<vcpupin vcpu='-1' cpuset='2'/></cputune>")
            .tuning;
    EXPECT_EQ(tuning.vcpupin, (std::map<int, std::vector<int>>{{0, {2}}}));
}

TEST(ParseDomain, MemoryThatAnotherProcessMapsIsImmovable) {
    const std::string head = "<memory>1024</memory><vcpu>1</vcpu><devices>";
    EXPECT_NE(parse(head + "<interface type='vhostuser'/></devices>").immovable, "");
    EXPECT_NE(
        parse(head + "<filesystem type='mount'><driver type='virtiofs'/></filesystem></devices>")
            .immovable,
        "");
    EXPECT_EQ(parse(head + "<disk type='vhostuser' device='disk'/></devices>").immovable,
              "another process maps its memory (vhost-user disk)");
    EXPECT_EQ(parse(head + "<video><driver name='vhostuser'/></video></devices>").immovable,
              "another process maps its memory (vhost-user video)");
    EXPECT_EQ(parse(head + "<video><driver name='qemu'/></video></devices>").immovable, "");
}

TEST(ParseDomain, ReadsRealGuests) {
    const Domain vnuma = test::golden_domain("vnuma");
    EXPECT_EQ(vnuma.machine, "pc-q35-7.2");
    EXPECT_EQ(vnuma.emulator, "/usr/bin/qemu-system-x86_64");
    ASSERT_EQ(vnuma.cells.size(), 2U);
    EXPECT_EQ(vnuma.cells[1].bytes, 288LL << 20);
    EXPECT_EQ(vnuma.balloon_bytes, 576LL << 20);
    EXPECT_EQ(vnuma.cells[0].huge_page_bytes, 0);
    EXPECT_EQ(test::golden_domain("hugetlb").cells.at(0).huge_page_bytes, 2 << 20);
    for (const char* shape : {"vnuma", "hugetlb", "hotplug", "memory-devices", "wishes", "by-hand"})
        EXPECT_TRUE(test::golden_domain(shape).problems.empty()) << shape;
    const Domain hotplug = test::golden_domain("hotplug");
    EXPECT_EQ(hotplug.cells[1].vcpus, (std::vector<int>{1, 2}))
        << "also the vCPU that is not plugged";
}

TEST(ParseDomain, ReadsMemoryDevices) {
    const Domain domain = test::golden_domain("memory-devices");
    ASSERT_EQ(domain.memory_devices.size(), 2U);
    EXPECT_EQ(domain.memory_devices[0],
              (MemoryDevice{"dimm0", "dimm", 1, 128 << 20, 128 << 20, 0x100000000}));
    EXPECT_EQ(domain.memory_devices[1],
              (MemoryDevice{"virtiomem0", "virtio-mem", 1, 128 << 20, 64 << 20, std::nullopt}));
}

TEST(ParseDomain, ReadsTheTuning) {
    const DomainTuning none = test::golden_domain("vnuma").tuning;
    EXPECT_EQ(none, DomainTuning{});
    const DomainTuning tuning = test::golden_domain("wishes").tuning;
    EXPECT_EQ(tuning.vcpupin.at(1), (std::vector<int>{0, 1, 2}));
    EXPECT_EQ(tuning.numatune, (NumaTune{"strict", {0}}));
    EXPECT_TRUE(find_numatune(tuning, 0)->binds());
    EXPECT_EQ(tuning.placement, "static");
}

TEST(ParseDomain, ReadsEveryKindOfTuning) {
    const Domain domain = test::golden_domain("by-hand");
    const DomainTuning& tuning = domain.tuning;
    EXPECT_EQ(tuning.placement, "auto");
    EXPECT_EQ(tuning.emulatorpin, (std::vector<int>{0, 2}));
    EXPECT_EQ(tuning.iothreadpin.at(1), (std::vector<int>{4, 5, 7}));
    EXPECT_EQ(tuning.cputune, (CpuTune{1024, 100000, 50000}));
    EXPECT_EQ(find_numatune(tuning, 0)->nodes, std::vector<int>{0});
    EXPECT_FALSE(find_numatune(tuning, 1)->binds());
    EXPECT_EQ(domain.host_devices.front(), "0000:81:10.2");
    EXPECT_NE(domain.immovable, "");
}

TEST(ParseDomain, ReadsTheNetworkDevicesBelowMacvtap) {
    const Domain domain = parse(
        "<memory>1024</memory><vcpu>1</vcpu><devices>"
        "<interface type='direct'><source dev='eth0' mode='bridge'/></interface>"
        "<interface type='direct'><source dev='../eth1'/></interface>"
        "<interface type='direct'><source network='lan'/></interface>"
        "<interface type='bridge'><source bridge='br0'/></interface></devices>");
    EXPECT_EQ(domain.network_devices, std::vector<std::string>{"eth0"});
    EXPECT_EQ(domain.immovable, "");
}

TEST(ParseDomain, TheCpusetOfVcpuAppliesToVcpusWithoutAPinAndToTheEmulator) {
    const DomainTuning tuning = parse(
                                    "<memory>1024</memory><vcpu cpuset='1-2'>2</vcpu>"
                                    "<cputune><vcpupin vcpu='1' cpuset='2'/></cputune>")
                                    .tuning;
    EXPECT_EQ(tuning.vcpupin.at(0), (std::vector<int>{1, 2}));
    EXPECT_EQ(tuning.vcpupin.at(1), std::vector<int>{2});
    EXPECT_EQ(tuning.emulatorpin, (std::vector<int>{1, 2}));
}

}  // namespace
}  // namespace vnuma
