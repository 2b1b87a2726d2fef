#include "guests/memory/hugetlb_file.hpp"
#include "guests/process/process.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

namespace vnuma {
namespace {

class BackingTest : public ::testing::Test {
  protected:
    ~BackingTest() override {
        if (file_ >= 0) ::close(file_);
    }
    // What /proc/PID/maps calls such a file.
    std::string make_memfd(unsigned flags) {
        file_ = ::memfd_create("ram", flags);
        return "/memfd:ram (deleted)";
    }
    bool made() const { return file_ >= 0; }
    Process self = *Process::open(::getpid());

  private:
    int file_ = -1;
};

TEST_F(BackingTest, TellsThePageSizeOfAHugetlbFile) {
    const std::string name = make_memfd(MFD_HUGETLB);
    if (!made()) GTEST_SKIP() << "this kernel has no huge pages";
    EXPECT_GE(huge_page_bytes(self, name), 2 << 20);
}

TEST_F(BackingTest, AnOrdinaryFileHasNone) {
    const std::string name = make_memfd(0);
    ASSERT_TRUE(made());
    EXPECT_EQ(huge_page_bytes(self, name), 0);
    EXPECT_EQ(huge_page_bytes(self, "/memfd:other (deleted)"), 0);
    EXPECT_EQ(huge_page_bytes(self, ""), 0);
    EXPECT_EQ(huge_page_bytes(self, "[heap]"), 0);
}

}  // namespace
}  // namespace vnuma
