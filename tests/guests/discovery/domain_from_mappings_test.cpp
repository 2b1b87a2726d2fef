#include "guests/discovery/domain_from_mappings.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

constexpr std::uint64_t mib = 1 << 20;

Mapping mapping(std::uint64_t start_mib, std::uint64_t size_mib, const std::string& path = "",
                bool shared = false) {
    return {start_mib * mib, (start_mib + size_mib) * mib, true, shared, path};
}

TEST(FindRamMappings, TakesLargePrivateAndSharedMemory) {
    Mapping code = mapping(0, 512, "/usr/bin/vmm");
    code.writable = false;
    const auto ram =
        find_ram_mappings({code, mapping(1000, 64), mapping(2000, 65), mapping(3000, 128, "[heap]"),
                           mapping(4000, 16, "/memfd:ram (deleted)", true),
                           mapping(5000, 15, "/memfd:queue (deleted)", true),
                           mapping(6000, 256, "/dev/hugepages/vm", true),
                           mapping(7000, 256, "/dev/dri/renderD128", true),
                           mapping(8000, 32, "/var/lib/snapshots/memory")});
    std::vector<std::uint64_t> starts;
    for (const Mapping& one : ram)
        starts.push_back(one.start / mib);
    EXPECT_EQ(starts, (std::vector<std::uint64_t>{6000, 2000, 8000, 4000})) << "the largest first";
}

TEST(DomainFromMappings, IsOneCellWithAllOfThem) {
    const Domain domain =
        domain_from_mappings({mapping(10000, 3072), mapping(20000, 1024)}, {0, 1, 2});
    ASSERT_EQ(domain.cells.size(), 1U);
    EXPECT_EQ(domain.cells[0].bytes, static_cast<std::int64_t>(3072 * mib));
    EXPECT_EQ(domain.cells[0].vcpus, (std::vector<int>{0, 1, 2}));
    ASSERT_EQ(domain.memory_devices.size(), 1U);
    EXPECT_EQ(domain.memory_devices[0].plugged, static_cast<std::int64_t>(1024 * mib));
    EXPECT_EQ(domain.memory_devices[0].cell, 0);
    EXPECT_TRUE(domain.problems.empty());
}

TEST(DomainFromMappings, WithoutALargeOneItSaysSo) {
    const Domain domain = domain_from_mappings({mapping(10000, 8)}, {0});
    ASSERT_EQ(domain.cells.size(), 1U);
    EXPECT_EQ(domain.cells[0].bytes, 0);
    EXPECT_EQ(domain.problems.size(), 1U);
}

TEST(DomainFromMappings, AnImageIsNoRam) {
    const Domain domain = domain_from_mappings({mapping(10000, 4096, "/memfd:ram (deleted)", true),
                                                mapping(20000, 102400, "/var/lib/data.img", true)},
                                               {0});
    EXPECT_EQ(domain.cells.at(0).bytes, static_cast<std::int64_t>(4096 * mib));
    ASSERT_EQ(domain.memory_devices.size(), 1U);
    EXPECT_FALSE(domain.memory_devices[0].is_dram());
    EXPECT_EQ(domain.memory_devices[0].path, "/var/lib/data.img");
    EXPECT_EQ(domain.problems,
              std::vector<std::string>{
                  "its process maps 102400 MiB of files that it shares, such as "
                  "/var/lib/data.img; nothing tells that they are RAM, so they are neither counted "
                  "nor moved"});
}

TEST(DomainFromMappings, AFileThatIsSharedIsRamOnlyIfItIsMemory) {
    for (const char* path :
         {"/memfd:ram (deleted)", "/dev/shm/ram", "/dev/zero (deleted)", "/SYSV00000000 (deleted)",
          "/anon_hugepage (deleted)", "/dev/hugepages/vm", "/mnt/huge/ram (deleted)", ""})
        EXPECT_TRUE(domain_from_mappings({mapping(1000, 100, path, true)}, {0}).problems.empty())
            << path;
    for (const char* path : {"/var/lib/data.img", "/mnt/huge/ram", "/deleted"}) {
        EXPECT_FALSE(
            domain_from_mappings({mapping(1000, 100, path, true)}, {0}).cells[0].size_known)
            << path;
        EXPECT_TRUE(domain_from_mappings({mapping(1000, 100, path)}, {0}).cells[0].size_known)
            << "of a snapshot that was restored";
    }
}

TEST(DomainFromMappings, SaysHowMuchMoreMemoryItCouldBe) {
    std::vector<Mapping> mappings;
    for (std::size_t i = 0; i < max_ram_mappings + 2; ++i)
        mappings.push_back(mapping(1000 * i, 100 + i));
    const Domain domain = domain_from_mappings(mappings, {0});
    EXPECT_EQ(domain.memory_devices.size(), max_ram_mappings - 1);
    EXPECT_EQ(domain.problems,
              std::vector<std::string>{"its RAM may be in 66 mappings; the 2 smallest ones, 201 "
                                       "MiB, are neither counted nor moved"});
}

TEST(DescribeOtherMemory, SaysWhatTheDomainDoesNotHave) {
    Domain domain;
    domain.cells.push_back({0, {}, static_cast<std::int64_t>(4096 * mib)});
    const Mapping ram = mapping(10000, 4096);
    EXPECT_EQ(describe_other_memory(domain, {ram, mapping(20000, 60)}), "");
    EXPECT_EQ(describe_other_memory(domain, {ram, mapping(20000, 1024)}),
              "its process maps 1024 MiB that may be memory which was plugged in; they are neither "
              "counted nor moved");
    EXPECT_EQ(describe_other_memory(domain, {}), "");
}

}  // namespace
}  // namespace vnuma
