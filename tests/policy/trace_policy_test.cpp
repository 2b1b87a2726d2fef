// Who has set the values of a policy.
#include <gtest/gtest.h>

#include "policy/resolve_policy.hpp"

namespace vnuma {
namespace {

class TracePolicy : public ::testing::Test {
  protected:
    TracePolicy() {
        guest.uuid = "u";
        guest.name = "web1";
    }
    PolicyOrigins origins() const { return trace_policy(host, guest, {0, 1}).origins; }

    HostPolicy host;
    PolicySources guest;
};

TEST_F(TracePolicy, NamesTheSourceOfHighestPrecedenceThatSetsAKey) {
    EXPECT_EQ(origins(), PolicyOrigins());
    host.defaults.mode = Mode::advise;
    EXPECT_EQ(origins().mode, "policy");
    host.run_time.defaults.mode = Mode::act;
    EXPECT_EQ(origins().mode, "run-time policy, policy");
    host.guests["web*"].mode = Mode::act;
    EXPECT_EQ(origins().mode, "guest.web*");
    guest.metadata.mode = Mode::act;
    EXPECT_EQ(origins().mode, "metadata");
    host.run_time.guests["web1"].mode = Mode::act;
    EXPECT_EQ(origins().mode, "run-time policy, guest.web1");
    EXPECT_EQ(origins().memory, PolicyOrigins::built_in);
}

TEST_F(TracePolicy, NamesTheGroupForValuesOfTheGroup) {
    host.groups["db"].members.priority = 5;
    host.run_time.groups["db"].members.home = {{1}};
    guest.metadata.group = "db";
    EXPECT_EQ(origins().group, "metadata");
    EXPECT_EQ(origins().priority, "group.db");
    EXPECT_EQ(origins().home, "run-time policy, group.db");
    host.run_time.guests["web1"].group = "";
    EXPECT_EQ(origins().group, "run-time policy, guest.web1") << "it is in none, by that section";
}

TEST_F(TracePolicy, NamesTheCeilingForWhatItHasLowered) {
    host.ceiling_mode = Mode::observe;
    host.ceiling_memory = MemoryPolicy::none;
    host.ceiling_priority = 3;
    host.ceiling_nodes = {1};
    EXPECT_EQ(origins().mode, "ceiling") << "a built-in value";
    guest.metadata.mode = Mode::act;
    guest.metadata.priority = 50;
    guest.metadata.memory = MemoryPolicy::eager;
    EXPECT_EQ(origins().mode, "ceiling");
    EXPECT_EQ(origins().priority, "ceiling");
    EXPECT_EQ(origins().memory, "ceiling");
    EXPECT_EQ(origins().nodes, "ceiling");
    guest.metadata.mode = Mode::off;
    guest.metadata.priority = 2;
    EXPECT_EQ(origins().mode, "metadata");
    EXPECT_EQ(origins().priority, "metadata");
}

TEST_F(TracePolicy, NamesWhatLimitsTheModeOtherwise) {
    guest.metadata_problems = {"metadata: mode: must be a string"};
    EXPECT_EQ(origins().mode, "metadata");
    guest.metadata_problems.clear();
    host.guests["web1"].nodes = {7};
    EXPECT_EQ(origins().mode, "guest.web1") << "no node is left";
    host.guests.clear();
    host.limits.push_back({"coexist.numad", "numad runs", Mode::observe, MemoryPolicy::none});
    EXPECT_EQ(origins().mode, "coexist.numad");
    EXPECT_EQ(origins().memory, "coexist.numad");
    guest.metadata.mode = Mode::off;
    EXPECT_EQ(origins().mode, "metadata") << "the limit does not bind";
}

TEST_F(TracePolicy, HasTheVeryPolicyThatIsResolved) {
    host.defaults.memory = MemoryPolicy::eager;
    host.ceiling_mode = Mode::advise;
    guest.metadata.home = {{5}};
    EXPECT_EQ(trace_policy(host, guest, {0, 1}).policy, resolve_policy(host, guest, {0, 1}));
}

TEST_F(TracePolicy, SkipsAHomeThatIsImpossible) {
    host.defaults.home = {{1}};
    guest.metadata.home = {{5}};
    EXPECT_EQ(origins().home, "policy");
}

}  // namespace
}  // namespace vnuma
