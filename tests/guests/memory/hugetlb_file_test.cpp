#include "guests/memory/hugetlb_file.hpp"
#include "guests/process/process.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

namespace vnuma {
namespace {

class HugetlbFileTest : public ::testing::Test {
  protected:
    ~HugetlbFileTest() override {
        if (file_ >= 0) ::close(file_);
    }
    // Creates a file in memory. Returns its path in /proc/PID/maps.
    std::string make_memfd(unsigned flags) {
        file_ = ::memfd_create("ram", flags);
        return "/memfd:ram (deleted)";
    }
    bool made() const { return file_ >= 0; }
    Process self = *Process::open(::getpid());

  private:
    int file_ = -1;
};

TEST_F(HugetlbFileTest, IsThePageSizeOfAHugetlbFile) {
    const std::string name = make_memfd(MFD_HUGETLB);
    if (!made()) GTEST_SKIP() << "this kernel has no hugetlb pages";
    EXPECT_GE(read_hugetlb_page_bytes(self, name), 2 << 20);
}

TEST_F(HugetlbFileTest, IsZeroForOtherFiles) {
    const std::string name = make_memfd(0);
    ASSERT_TRUE(made());
    EXPECT_EQ(read_hugetlb_page_bytes(self, name), 0);
    EXPECT_EQ(read_hugetlb_page_bytes(self, "/memfd:other (deleted)"), 0);
    EXPECT_EQ(read_hugetlb_page_bytes(self, ""), 0);
    EXPECT_EQ(read_hugetlb_page_bytes(self, "[heap]"), 0);
}

}  // namespace
}  // namespace vnuma
