#include "guests/tracking/damon/damon_files.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/temporary.hpp"

namespace vnuma {
namespace {

using test::TemporaryDirectory;

const std::string below = "kernel/mm/damon/admin/kdamonds/";

TEST(DamonFiles, AKernelWithoutDamonIsAnError) {
    const TemporaryDirectory sysfs;
    std::string error;
    EXPECT_FALSE(open_damon_files(sysfs.path(), error));
    EXPECT_EQ(error, "this kernel has no DAMON (CONFIG_DAMON_SYSFS)");
}

// Whether a process without root rights gets an error about permissions.
bool is_refused_without_permission(const std::string& sysfs) {
    constexpr uid_t nobody = 65534;
    const pid_t child = ::fork();
    if (child == 0) {
        std::string error;
        const bool opened = (::geteuid() != 0 || ::setuid(nobody) == 0) &&
                            open_damon_files(sysfs, error) != nullptr;
        ::_exit(!opened && error.find("root or CAP_DAC_OVERRIDE") != std::string::npos ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    return status == 0;
}

TEST(DamonFiles, WithoutPermissionTheErrorNamesTheCapability) {
    using std::filesystem::perms;
    const TemporaryDirectory sysfs;
    sysfs.write(below + "nr_kdamonds", "0\n");
    std::filesystem::permissions(sysfs.path(),
                                 perms::owner_all | perms::group_exec | perms::others_exec);
    std::filesystem::permissions(sysfs.path(below + "nr_kdamonds"), perms::owner_read);
    EXPECT_TRUE(is_refused_without_permission(sysfs.path()));
}

TEST(DamonFiles, AreOpenInOneVnumadAtATime) {
    const TemporaryDirectory sysfs;
    sysfs.write(below + "nr_kdamonds", "0\n");
    std::string error;
    auto first = open_damon_files(sysfs.path(), error);
    ASSERT_TRUE(first) << error;
    EXPECT_FALSE(open_damon_files(sysfs.path(), error));
    EXPECT_EQ(error, "another vnumad uses DAMON");
    first.reset();
    EXPECT_TRUE(open_damon_files(sysfs.path(), error));
}

}  // namespace
}  // namespace vnuma
