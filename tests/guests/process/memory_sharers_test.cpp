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
    // Processes that map nothing.
    void run_many(std::size_t count) const {
        for (std::size_t i = 0; i < count; ++i)
            std::filesystem::create_directories(files.path("proc/" + std::to_string(1000 + i)));
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
    sharers.look({ram});  // there are none, so all were looked at
    run_many(2 * MemorySharers::processes_at_once);
    run(9000, mapping(ram));
    sharers.look({ram});
    sharers.look({ram});
    EXPECT_EQ(sharers.find(ram, vmm), "");
    sharers.look({ram});
    EXPECT_NE(sharers.find(ram, vmm), "");
}

constexpr const char* not_known = "it is not known yet who else maps its memory";

TEST_F(MemorySharersTest, ANewFileIsNotKnownUntilAllProcessesWereLookedAt) {
    sharers.look({other_ram});
    EXPECT_EQ(sharers.find(other_ram, vmm), "");
    run_many(2 * MemorySharers::first_processes_at_once);
    run(9000, mapping(ram));
    for (int look = 0; look < 2; ++look) {
        sharers.look({ram, other_ram});
        EXPECT_EQ(sharers.find(ram, vmm), not_known);
        EXPECT_EQ(sharers.find(other_ram, vmm), "") << "this one is known";
    }
    sharers.look({ram, other_ram});
    EXPECT_EQ(sharers.find(ram, vmm), "process 9000 (virtiofsd) maps its memory too");
}

TEST_F(MemorySharersTest, FilesThatComeAllTheTimeDoNotKeepTheOthersUnknown) {
    run_many(2 * MemorySharers::first_processes_at_once);
    std::vector<MappedFile> sought;
    for (std::uint64_t look = 0; look < 4; ++look) {
        sought.push_back({1, 100 + look});
        sharers.look(sought);
    }
    EXPECT_EQ(sharers.find(sought[0], vmm), "");
    EXPECT_EQ(sharers.find(sought[1], vmm), "") << "in the rest of one pass and in another";
    EXPECT_EQ(sharers.find(sought[2], vmm), "") << "it came when a pass began";
    EXPECT_EQ(sharers.find(sought[3], vmm), not_known);
}

TEST_F(MemorySharersTest, ACompleteLookKnowsAllFiles) {
    run_many(2 * MemorySharers::first_processes_at_once);
    sharers.look({other_ram});
    sharers.look({ram, other_ram}, true);
    EXPECT_EQ(sharers.find(ram, vmm), "");
    EXPECT_EQ(sharers.find(other_ram, vmm), "");
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
