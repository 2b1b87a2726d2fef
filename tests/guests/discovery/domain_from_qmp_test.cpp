#include "guests/discovery/domain_from_qmp.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

using Problems = std::vector<std::string>;

constexpr std::uint64_t mib = 1 << 20;

qmp::MemoryBackend backend(const std::string& id, std::uint64_t size_mib) {
    return {id, size_mib * mib, {}, "default"};
}

qmp::MemoryDevice device(const std::string& kind, const std::string& id, std::uint64_t size_mib,
                         std::optional<int> node) {
    return {kind, id, "mem" + id, 0x100000000, size_mib * mib, size_mib * mib, node};
}

QemuReplies replies_with(const std::vector<qmp::MemoryBackend>& backends) {
    QemuReplies replies;
    replies.cpus = {{0, 10, std::nullopt, ""}, {1, 11, std::nullopt, ""}};
    replies.backends = backends;
    return replies;
}

// A guest without vNUMA whose description has this one cell.
DomainCell single_cell(const QemuReplies& replies, const Problems& problems = {}) {
    const Domain domain = derive_domain(replies, "a");
    EXPECT_EQ(domain.problems, problems);
    EXPECT_EQ(domain.cells.size(), 1U);
    EXPECT_EQ(domain.cells.at(0).vcpus, (std::vector<int>{0, 1}));
    return domain.cells.at(0);
}

TEST(DeriveDomain, TheRamOfAGuestWithoutVnumaHasTheNameThatTheMachineGivesIt) {
    EXPECT_EQ(single_cell(replies_with({backend("shm0", 512), backend("pc.ram", 192)})).bytes,
              192 * 1048576);
    EXPECT_EQ(single_cell(replies_with({backend("mach-virt.ram", 96)})).bytes, 96 * 1048576);
}

TEST(DeriveDomain, TheOnlyBackendThatIsNoMemoryDevicesIsTheRam) {
    QemuReplies replies = replies_with({backend("mine", 192), backend("memdimm0", 64)});
    replies.devices = {device("dimm", "dimm0", 64, 0)};
    EXPECT_EQ(single_cell(replies).bytes, 192 * 1048576);
}

TEST(DeriveDomain, OfSeveralBackendsTheLargestIsTakenAndThatIsTold) {
    EXPECT_EQ(single_cell(replies_with({backend("left over", 64), backend("mine\n", 192)}),
                          {"which of 2 memory backends is its RAM is not certain; the largest, "
                           "mine?, is taken for it"})
                  .bytes,
              192 * 1048576);
}

TEST(DeriveDomain, WithoutABackendTheSizeIsNotKnown) {
    const DomainCell cell =
        single_cell(replies_with({}), {"its monitor lists no memory backend for its RAM"});
    EXPECT_EQ(cell.bytes, 0);
    EXPECT_FALSE(cell.size_known);
}

TEST(DeriveDomain, CellsMayHaveNeitherVcpusNorMemory) {
    QemuReplies replies = replies_with({});
    for (qmp::Cpu& cpu : replies.cpus)
        cpu.node = 0;
    replies.nodes = {{0, {0, 1}, 256 * mib, 0}, {1, {}, 0, 0}};
    const Domain domain = derive_domain(replies, "a");
    ASSERT_EQ(domain.cells.size(), 2U);
    EXPECT_TRUE(domain.cells[1].vcpus.empty());
    EXPECT_EQ(domain.cells[1].bytes, 0);
    EXPECT_EQ(domain.problems, Problems{});
}

// QEMU has SGX EPC in the size of a node, but not in what is plugged there.
TEST(DeriveDomain, MemoryThatIsNoDramIsNotCounted) {
    QemuReplies replies = replies_with({});
    replies.nodes = {{0, {0, 1}, 256 * mib + 64 * mib + 16 * mib, 0}};
    replies.devices = {device("nvdimm", "nv", 64, 0), device("sgx-epc", "epc", 16, 0),
                       device("virtio-pmem", "pmem", 32, std::nullopt)};
    const Domain domain = derive_domain(replies, "a");
    EXPECT_EQ(domain.cells.at(0).bytes, 256 * 1048576);
    EXPECT_EQ(dram_bytes(domain, domain.cells[0]), 256 * 1048576);
    EXPECT_EQ(domain.problems, Problems{});
}

TEST(DeriveDomain, AMemoryDeviceOfAnUnknownKindIsAProblem) {
    QemuReplies replies = replies_with({backend("pc.ram", 192)});
    replies.devices = {device("quantum", "q0", 64, 0)};
    EXPECT_EQ(
        single_cell(replies, {"memory device q0 is of an unknown kind, \"quantum\"; its memory "
                              "is neither counted nor moved"})
            .bytes,
        192 * 1048576);
}

}  // namespace
}  // namespace vnuma
