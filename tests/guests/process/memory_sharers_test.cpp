#include "guests/process/memory_sharers.hpp"

#include "tests/guests/golden.hpp"

namespace vnuma {
namespace {

constexpr MappedFile ram{1, 77}, other_ram{1, 78};
constexpr pid_t vmm = 100;

class MemorySharersTest : public ::testing::Test {
  protected:
    void run(pid_t process, const std::string& maps, const std::string& name = "virtiofsd") {
        const std::string directory = "proc/" + std::to_string(process) + "/";
        files.write(directory + "maps", maps);
        files.write(directory + "comm", name + "\n");
    }
    static std::string mapping(const MappedFile& file, const std::string& mode = "rw-s") {
        return "7f0000000000-7f0010000000 " + mode + " 00000000 00:01 " +
               std::to_string(file.inode) + "   /memfd:memory-backend-memfd (deleted)\n";
    }

    test::TemporaryDirectory files;
    MemorySharers sharers{files.path("proc")};
};

TEST_F(MemorySharersTest, AnotherProcessThatMapsTheFileIsFound) {
    run(vmm, mapping(ram), "qemu");
    run(200, mapping(other_ram));
    sharers.look({ram});
    EXPECT_EQ(sharers.find(ram, vmm), "") << "its own VMM is not another process";
    run(300, mapping(other_ram) + mapping(ram, "r--s"));
    sharers.look({ram});
    sharers.look({ram});
    EXPECT_EQ(sharers.find(ram, vmm), "process 300 (virtiofsd) maps its memory too");
    EXPECT_EQ(sharers.find(other_ram, vmm), "") << "nobody has sought it";
}

TEST_F(MemorySharersTest, APrivateMappingIsACopy) {
    run(200, mapping(ram, "rw-p"));
    sharers.look({ram});
    EXPECT_EQ(sharers.find(ram, vmm), "");
}

TEST_F(MemorySharersTest, AProcessThatHasEndedOrUnmappedIsForgotten) {
    run(200, mapping(ram),
        "a\x1b"
        "b");
    run(300, mapping(other_ram));
    sharers.look({ram, other_ram});
    EXPECT_EQ(sharers.find(ram, vmm), "process 200 (a?b) maps its memory too");
    std::filesystem::remove_all(files.path("proc/200"));
    std::filesystem::remove(files.path("proc/300/maps"));
    run(300, "");
    sharers.look({ram, other_ram});
    EXPECT_EQ(sharers.find(ram, vmm), "");
    EXPECT_EQ(sharers.find(other_ram, vmm), "");
}

TEST_F(MemorySharersTest, ManyProcessesAreLookedAtInSeveralLooks) {
    sharers.look({ram});  // a file that is new has all processes looked at
    for (std::size_t i = 0; i < 2 * MemorySharers::processes_at_once; ++i)
        run(static_cast<pid_t>(1000 + i), "");
    run(9000, mapping(ram));
    sharers.look({ram});
    sharers.look({ram});
    EXPECT_EQ(sharers.find(ram, vmm), "");
    sharers.look({ram});
    EXPECT_NE(sharers.find(ram, vmm), "");
    MemorySharers at_once(files.path("proc"));
    at_once.look({ram});
    EXPECT_NE(at_once.find(ram, vmm), "");
}

TEST_F(MemorySharersTest, NothingIsReadWithoutSharedMemory) {
    run(200, mapping(ram));
    sharers.look({});
    EXPECT_EQ(sharers.find(ram, vmm), "");
    sharers.look({ram});
    sharers.look({});
    EXPECT_EQ(sharers.find(ram, vmm), "");
}

}  // namespace
}  // namespace vnuma
