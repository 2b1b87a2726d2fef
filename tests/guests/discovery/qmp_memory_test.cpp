// What is memory of the guest, as real QEMUs tell it.
#include "guests/discovery/qmp_source.hpp"
#include "guests/memory/ram_map.hpp"
#include "guests/process/process.hpp"
#include "tests/guests/discovery/qmp_guests.hpp"

namespace vnuma {
namespace {

class QmpMemory : public QmpSourceTest {
  protected:
    // Starts a QEMU with these options, and finds its RAM.
    RamMap find_ram(const std::vector<std::string>& options) {
        const Qemu qemu(socket("a"), options);
        QmpSource source = listen();
        guest = list_until(source, one_described)[0];
        if (!guest.domain) return {};
        source.permit_monitors({guest.uuid});
        const auto process = Process::open(qemu.pid());
        return map_by_view(*guest.domain, source.read_ram_view(guest.uuid),
                           parse_maps(process->read("maps").value()));
    }
    ListedGuest guest;
};

TEST_F(QmpMemory, OldMachineTypesNameBackendsByTheirPaths) {
    const RamMap map = find_ram({"-machine", "pc-i440fx-3.1", "-m", "256", "-smp", "2", "-object",
                                 "memory-backend-memfd,id=ram-node0,size=128M,share=on", "-object",
                                 "memory-backend-memfd,id=ram-node1,size=128M,share=on", "-numa",
                                 "node,nodeid=0,cpus=0,memdev=ram-node0", "-numa",
                                 "node,nodeid=1,cpus=1,memdev=ram-node1"});
    ASSERT_EQ(map.blocks.size(), 2U) << map.unknown;
    EXPECT_EQ(map.blocks[0].id, "ram-node0");
    EXPECT_EQ(map.blocks[1].id, "ram-node1");
    EXPECT_TRUE(map.blocks[1].shared);
    EXPECT_NE(map.blocks[1].file, MappedFile());
    EXPECT_TRUE(map.problems.empty());
}

TEST_F(QmpMemory, AnIvshmemDevicesBackendIsNotRam) {
    files.write("shared", "");
    const RamMap map =
        find_ram({"-machine", "q35", "-m", "192", "-object",
                  "memory-backend-file,id=shm0,size=64M,share=on,mem-path=" + files.path("shared"),
                  "-device", "ivshmem-plain,memdev=shm0"});
    ASSERT_EQ(map.blocks.size(), 1U) << map.unknown;
    EXPECT_EQ(map.blocks[0].id, "pc.ram");
    EXPECT_EQ(map.blocks[0].host.size, 192U << 20);
    EXPECT_EQ(guest.domain->cells.at(0).bytes, 192 << 20);
    EXPECT_TRUE(guest.domain->problems.empty());
}

// As after a hotplug that has failed.
TEST_F(QmpMemory, ABackendThatNobodyUsesIsNotRam) {
    const RamMap map = find_ram(
        {"-machine", "q35", "-m", "96", "-object", "memory-backend-ram,id=left-over,size=256M"});
    ASSERT_EQ(map.blocks.size(), 1U) << map.unknown;
    EXPECT_EQ(map.blocks[0].host.size, 96U << 20);
}

}  // namespace
}  // namespace vnuma
