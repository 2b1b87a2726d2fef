#include "guests/discovery/run_state.hpp"

#include <gtest/gtest.h>
#include <libvirt/libvirt.h>

namespace vnuma {
namespace {

TEST(StateOfLibvirt, ARunningGuestWithoutAJobIsSteady) {
    EXPECT_EQ(state_of_libvirt(VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_BOOTED, 0),
              RunState::running);
    EXPECT_EQ(why_unsteady(RunState::running), "");
    EXPECT_EQ(state_of_libvirt(VIR_DOMAIN_RUNNING, 0, VIR_DOMAIN_JOB_OPERATION_BACKUP),
              RunState::running)
        << "a backup concerns only the disks";
}

TEST(StateOfLibvirt, AJobOutweighsTheState) {
    EXPECT_EQ(state_of_libvirt(VIR_DOMAIN_RUNNING, 0, VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT),
              RunState::migrating);
    EXPECT_EQ(
        state_of_libvirt(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_USER, VIR_DOMAIN_JOB_OPERATION_SAVE),
        RunState::saving);
    EXPECT_EQ(state_of_libvirt(VIR_DOMAIN_RUNNING, 0, VIR_DOMAIN_JOB_OPERATION_DUMP),
              RunState::dumping);
}

TEST(StateOfLibvirt, TheReasonOfAPauseIsTheState) {
    const auto paused = [](int reason) { return state_of_libvirt(VIR_DOMAIN_PAUSED, reason, 0); };
    EXPECT_EQ(paused(VIR_DOMAIN_PAUSED_USER), RunState::paused);
    EXPECT_EQ(paused(VIR_DOMAIN_PAUSED_IOERROR), RunState::paused);
    EXPECT_EQ(paused(VIR_DOMAIN_PAUSED_STARTING_UP), RunState::starting);
    EXPECT_EQ(paused(VIR_DOMAIN_PAUSED_MIGRATION), RunState::migrating);
    EXPECT_EQ(paused(VIR_DOMAIN_PAUSED_SAVE), RunState::saving);
    EXPECT_EQ(paused(VIR_DOMAIN_PAUSED_SHUTTING_DOWN), RunState::shutting_down);
    EXPECT_EQ(paused(VIR_DOMAIN_PAUSED_CRASHED), RunState::crashed);
}

TEST(StateOfLibvirt, AnUnknownStateIsUnsteady) {
    EXPECT_EQ(state_of_libvirt(99, 0, 0), RunState::unknown);
    EXPECT_NE(why_unsteady(RunState::unknown), "");
    EXPECT_EQ(state_of_libvirt(VIR_DOMAIN_SHUTDOWN, 0, 0), RunState::shutting_down);
    EXPECT_EQ(state_of_libvirt(VIR_DOMAIN_PMSUSPENDED, 0, 0), RunState::suspended);
}

TEST(StateOfQemu, FollowsQueryStatus) {
    EXPECT_EQ(state_of_qemu("running", ""), RunState::running);
    EXPECT_EQ(state_of_qemu("prelaunch", ""), RunState::starting);
    EXPECT_EQ(state_of_qemu("inmigrate", ""), RunState::migrating);
    EXPECT_EQ(state_of_qemu("guest-panicked", ""), RunState::crashed);
    EXPECT_EQ(state_of_qemu("a new state", ""), RunState::unknown);
}

TEST(StateOfQemu, AMigrationUnderWayOutweighsARunningState) {
    EXPECT_EQ(state_of_qemu("running", "active"), RunState::migrating);
    EXPECT_EQ(state_of_qemu("running", "setup"), RunState::migrating);
    EXPECT_EQ(state_of_qemu("running", "cancelled"), RunState::running);
    EXPECT_EQ(state_of_qemu("running", "failed"), RunState::running);
}

TEST(RunState, EveryStateButRunningIsAReasonToLeaveAGuestAlone) {
    for (const RunState state : {RunState::unknown, RunState::starting, RunState::paused,
                                 RunState::migrating, RunState::saving, RunState::dumping,
                                 RunState::shutting_down, RunState::crashed, RunState::suspended})
        EXPECT_NE(why_unsteady(state), "") << name(state);
}

}  // namespace
}  // namespace vnuma
