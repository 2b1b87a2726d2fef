#include "guests/discovery/domain_xml.hpp"
#include "tests/guests/golden.hpp"

namespace vnuma {
namespace {

using Problems = std::vector<std::string>;

constexpr std::int64_t gib = std::int64_t{1} << 30;

Domain parse(const std::string& body) {
    std::string error;
    const auto domain = parse_domain(
        "<domain type='kvm'><name>web</name><uuid>3caba501</uuid>" + body + "</domain>", error);
    EXPECT_TRUE(domain) << error;
    return domain.value_or(Domain{});
}

Domain parse_case(const std::string& name) {
    std::string error;
    const auto domain = parse_domain(test::read_golden("cases/" + name + ".xml"), error);
    EXPECT_TRUE(domain) << error;
    EXPECT_EQ(domain.value_or(Domain{}).problems, Problems{});
    return domain.value_or(Domain{});
}

const std::string two_cells =
    "<memory>2048</memory><vcpu>2</vcpu><cpu><numa><cell id='0' cpus='0' memory='1024'/>"
    "<cell id='1' cpus='1' memory='1024'/></numa></cpu>";

std::string dimm(const std::string& source, const std::string& model = "dimm") {
    return "<devices><memory model='" + model + "'><source>" + source +
           "</source><target><size unit='MiB'>512</size><node>0</node></target>"
           "<alias name='dimm0'/></memory></devices>";
}

TEST(ParseMemory, CellsMayHaveNeitherVcpusNorMemory) {
    const Domain domain = parse_case("empty-cells");
    ASSERT_EQ(domain.cells.size(), 3U);
    EXPECT_EQ(domain.cells[0].vcpus, (std::vector<int>{0, 1, 2, 3}));
    EXPECT_EQ(domain.cells[0].bytes, 4 * gib);
    for (const int empty : {1, 2}) {
        EXPECT_TRUE(domain.cells[empty].vcpus.empty());
        EXPECT_EQ(domain.cells[empty].bytes, 0);
        EXPECT_TRUE(domain.cells[empty].size_known);
    }
    EXPECT_NE(domain.immovable, "") << "VFIO holds its memory";
}

TEST(ParseMemory, TheNodemaskOfADimmIsAStrictWishForIt) {
    const Domain domain = parse_case("dimm-nodemask");
    ASSERT_EQ(domain.memory_devices.size(), 1U);
    EXPECT_EQ(domain.memory_devices[0].numatune, (NumaTune{"strict", {1}}));
    EXPECT_EQ(dram_bytes(domain, domain.cells[0]), 12 * gib);
    EXPECT_FALSE(parse(two_cells + dimm("")).memory_devices.at(0).numatune);
}

TEST(ParseMemory, TheNodemaskOfAVirtioMemDeviceIsAStrictWishForWhatIsPluggedOfIt) {
    const Domain domain = parse(two_cells +
                                "<devices><memory model='virtio-mem'>"
                                "<source><nodemask>1-2</nodemask></source><target>"
                                "<size unit='GiB'>8</size><node>1</node><block unit='MiB'>2</block>"
                                "<requested unit='GiB'>4</requested>"
                                "<current unit='GiB'>2</current></target>"
                                "<alias name='virtiomem0'/></memory></devices>");
    ASSERT_EQ(domain.problems, Problems{});
    EXPECT_EQ(domain.memory_devices.at(0).numatune, (NumaTune{"strict", {1, 2}}));
    EXPECT_EQ(domain.memory_devices[0].cell, 1);
    EXPECT_EQ(domain.memory_devices[0].plugged, 4 * gib);
}

TEST(ParseMemory, ANodemaskThatIsNoListIsAProblemAndItsMemoryStays) {
    const Domain domain = parse(two_cells + dimm("<nodemask>x</nodemask>"));
    EXPECT_EQ(domain.memory_devices.at(0).numatune, (NumaTune{"strict", {}, false}));
    EXPECT_EQ(domain.problems,
              Problems{"<nodemask> of memory device dimm0 must be a list of nodes, not \"x\"; the "
                       "memory of its cell stays where it is"});
}

TEST(ParseMemory, PersistentMemoryIsNotCounted) {
    const Domain domain = parse_case("nvdimm");
    ASSERT_EQ(domain.memory_devices.size(), 1U);
    EXPECT_FALSE(domain.memory_devices[0].is_dram());
    EXPECT_EQ(domain.memory_devices[0].path, "/dev/dax0.0");
    EXPECT_EQ(dram_bytes(domain, domain.cells[0]), 32 * gib);
    for (const char* model : {"virtio-pmem", "sgx-epc"}) {
        const Domain other = parse(two_cells + dimm("", model));
        EXPECT_EQ(dram_bytes(other, other.cells[0]), 1 << 20) << model;
        EXPECT_EQ(other.problems, Problems{}) << model;
    }
}

TEST(ParseMemory, AMemoryDeviceOfAnUnknownModelIsAProblemAndNotCounted) {
    const Domain domain = parse(two_cells + dimm("", "quantum"));
    EXPECT_EQ(dram_bytes(domain, domain.cells[0]), 1 << 20);
    EXPECT_EQ(domain.problems,
              Problems{"memory device dimm0 is of an unknown model, \"quantum\"; its memory is "
                       "neither counted nor moved"});
}

TEST(ParseMemory, MemoryDevicesThatCannotBePlacedAreProblems) {
    const auto problems = [](const std::string& target) {
        return parse(two_cells + "<devices><memory model='dimm'><target>" + target +
                     "</target></memory></devices>")
            .problems;
    };
    EXPECT_EQ(problems("<node>0</node>").size(), 1U) << "no size";
    EXPECT_EQ(problems("<size unit='XiB'>1</size><node>0</node>").size(), 1U);
    EXPECT_EQ(problems("<size>1024</size><node>7</node>").size(), 1U) << "no such cell";
    EXPECT_EQ(problems("<size>1024</size><node>1</node>"), Problems{});
    for (const char* node : {"x", "-1", "", "1,"})
        EXPECT_EQ(problems("<size>1024</size><node>" + std::string(node) + "</node>"),
                  Problems{"<node> of memory device  must be the number of a cell, not \"" +
                           std::string(node) + "\"; the device is ignored"});
}

// libvirt's <memory> has the sizes of all memory devices in it.
TEST(ParseMemory, WithoutVnumaTheCellHasTheRestOfTheMemory) {
    const std::string head = "<memory unit='MiB'>1536</memory><vcpu>1</vcpu>";
    for (const char* model : {"dimm", "nvdimm"}) {
        const Domain domain = parse(head + dimm("", model));
        EXPECT_EQ(domain.cells.at(0).bytes, gib) << model;
        EXPECT_EQ(domain.problems, Problems{}) << model;
    }
    const Domain small = parse("<memory unit='MiB'>512</memory><vcpu>1</vcpu>" + dimm(""));
    EXPECT_FALSE(small.cells.at(0).size_known);
    EXPECT_EQ(small.problems.size(), 1U);
}

TEST(ParseMemory, HugePagesMayBeThoseOfSomeCells) {
    const Domain mixed = parse_case("huge-pages-of-one-cell");
    EXPECT_EQ(mixed.cells.at(0).huge_page_bytes, 0);
    EXPECT_EQ(mixed.cells.at(1).huge_page_bytes, 2 << 20);
    const auto sizes = [](const std::string& pages) {
        const Domain domain = parse(two_cells + "<memoryBacking><hugepages>" + pages +
                                    "</hugepages></memoryBacking>" + dimm(""));
        EXPECT_EQ(domain.problems, Problems{}) << pages;
        EXPECT_EQ(domain.memory_devices.at(0).huge_page_bytes, domain.cells[0].huge_page_bytes);
        return std::vector{domain.cells[0].huge_page_bytes, domain.cells[1].huge_page_bytes};
    };
    using Sizes = std::vector<std::int64_t>;
    EXPECT_EQ(sizes(""), (Sizes{2 << 20, 2 << 20}));
    EXPECT_EQ(sizes("<page size='1' unit='GiB'/>"), (Sizes{gib, gib}));
    EXPECT_EQ(sizes("<page size='1' unit='GiB' nodeset='0'/><page size='2048' unit='KiB'/>"),
              (Sizes{gib, 2 << 20}));
    EXPECT_EQ(sizes("<page size='2048' unit='KiB'/><page size='4' unit='KiB' nodeset='1'/>"),
              (Sizes{2 << 20, 0}))
        << "pages of 4 KiB are ordinary ones";
    EXPECT_EQ(parse(two_cells).cells[0].huge_page_bytes, 0);
}

TEST(ParseMemory, AMemoryDeviceMayHaveAPageSizeOfItsOwn) {
    const auto page_bytes = [](const std::string& source) {
        return parse(two_cells + "<memoryBacking><hugepages/></memoryBacking>" + dimm(source))
            .memory_devices.at(0)
            .huge_page_bytes;
    };
    EXPECT_EQ(page_bytes("<pagesize unit='GiB'>1</pagesize>"), gib);
    EXPECT_EQ(page_bytes("<pagesize unit='KiB'>4</pagesize>"), 0);
    EXPECT_EQ(page_bytes(""), 2 << 20);
}

TEST(ParseMemory, PagesThatCannotBeUnderstoodAreProblems) {
    const auto problems = [](const std::string& page) {
        return parse(two_cells + "<memoryBacking><hugepages>" + page +
                     "</hugepages></memoryBacking>")
            .problems;
    };
    EXPECT_EQ(problems("<page size='big'/>"),
              Problems{"attribute size of <page> must be a size in a unit that libvirt knows, not "
                       "\"big\" in \"KiB\"; pages of 2 MiB are assumed"});
    EXPECT_EQ(
        problems("<page size='2048' nodeset='x'/>"),
        Problems{"attribute nodeset of <page> must be a list of cells, not \"x\"; the page is "
                 "ignored"});
}

// As virScaleInteger() in libvirt reads them.
TEST(ParseMemory, UnitsAreThoseOfLibvirtInAnyCase) {
    const auto bytes = [](const std::string& number, const std::string& unit) {
        return parse("<vcpu>1</vcpu><memory unit='" + unit + "'>" + number + "</memory>")
            .cells.at(0)
            .bytes;
    };
    EXPECT_EQ(bytes("5000", "b"), 5000);
    EXPECT_EQ(bytes("5000", "Byte"), 5000);
    EXPECT_EQ(bytes("3", "kb"), 3000);
    EXPECT_EQ(bytes("3", "kib"), 3072);
    EXPECT_EQ(bytes("3", "G"), 3 * gib);
    EXPECT_EQ(bytes("1", "TB"), 1000000000000);
    EXPECT_EQ(bytes("1", "PiB"), std::int64_t{1} << 50);
    for (const char* unit : {"XiB", "KiBs", "KiX", "5", "EiB"})
        EXPECT_EQ(bytes("4096", unit), 0) << unit;
}

TEST(ParseMemory, ADescriptionHasALimitedNumberOfProblems) {
    std::string devices = "<devices>";
    for (int i = 0; i < 3000; ++i)
        devices += "<memory model='x'><target><size>1</size></target></memory>";
    const Domain domain = parse("<memory>1024</memory><vcpu>1</vcpu>" + devices + "</devices>");
    EXPECT_EQ(domain.problems.size(), max_description_problems);
    EXPECT_LT(domain.memory_devices.size(), 3000U);
}

}  // namespace
}  // namespace vnuma
