#include "src/report/change_log.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

using Lines = std::vector<std::string>;

Tick beside(const RivalReading& reading) {
    Tick tick;
    tick.look = std::make_shared<Look>();
    tick.rivals = find_rivals(reading, {});
    return tick;
}

TEST(ChangeLog, ARivalHasOneLineWhenItComesAndOneWhenItGoes) {
    ChangeLog log;
    RivalReading numad;
    numad.daemons = {{"numad", 812}};
    EXPECT_EQ(log.update(beside({})), Lines{});
    EXPECT_EQ(log.update(beside(numad)), Lines{"coexist.numad = \"refuse\": numad runs as process "
                                               "812; vnumad acts on no guest"});
    EXPECT_EQ(log.update(beside(numad)), Lines{});
    EXPECT_EQ(log.update(Tick{}), Lines{}) << "a blind tick knows of none";
    EXPECT_EQ(log.update(beside(numad)), Lines{});
    EXPECT_EQ(log.update(beside({})), Lines{"coexist.numad: it is gone"});
}

TEST(ChangeLog, ARivalThatChangesIsToldAgain) {
    ChangeLog log;
    RivalReading kernel;
    kernel.numa_balancing = 1;
    EXPECT_EQ(log.update(beside(kernel)).size(), 1U);
    kernel.numa_balancing = 2;
    EXPECT_EQ(log.update(beside(kernel)),
              Lines{"coexist.numa_balancing = \"share\": the kernel's NUMA balancing is on "
                    "(kernel.numa_balancing = 2); vnumad goes on as without it"});
}

}  // namespace
}  // namespace vnuma
