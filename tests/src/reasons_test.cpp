// Every reason of docs/report.md is reached by the loop.
#include "tests/src/loop.hpp"

namespace vnuma {
namespace {

using namespace test;

class ReasonTest : public Loop, public ::testing::WithParamInterface<Reason> {
  protected:
    FakeGuest& add(const std::string& uuid, FakeGuest guest) {
        return host->guests[uuid] = std::move(guest);
    }
    // So much of the guest's memory is on another node than the rest.
    static FakeGuest spread(FakeGuest guest, Bytes bytes, int node) {
        for (Bytes i = 0; i < bytes / chunk; ++i)
            guest.cells[0].chunk_nodes[static_cast<std::size_t>(i)] = node;
        return guest;
    }
    void settle(const std::string& uuid) {
        ASSERT_TRUE(reaches(Reason::settled, uuid)) << "before anything changes";
    }
    void group(Arrangement arrangement, const std::vector<std::string>& uuids) {
        config.policy.groups["g"].arrangement = arrangement;
        for (const std::string& uuid : uuids)
            config.policy.guests[uuid].group = "g";
    }
    void prepare(Reason reason);
};

void ReasonTest::prepare(Reason reason) {
    config.planner.cool_down = 0;
    config.planner.changes_per_hour = max_changes_per_hour;
    switch (reason) {
        case Reason::settled:
        case Reason::first_home:
        case Reason::unsteady:  // as long as its CPU use is not known
            add("a", make_guest("alpha", 2, 200 * mib, 0));
            break;
        case Reason::settling:
            config.planner.pace = 16 * mib;
            add("a", spread(make_guest("alpha", 2, 400 * mib, 0), 100 * mib, 1));
            break;
        case Reason::better_home:
            add("a", make_guest("alpha", 2, 100 * mib, 0, 100));
            add("b", make_guest("beta", 4, 800 * mib, 0, 100));
            settle("a");
            host->guests["a"].cells[0].use = 2000;
            host->guests["b"].cells[0].use = 4000;
            break;
        case Reason::made_way:
            // Beta's memory cannot leave node 0, where its group lets only one of the two be.
            group(Arrangement::apart, {"a", "b"});
            add("a", make_guest("alpha", 1, 300 * mib, 0, 300));
            add("b", make_guest("beta", 1, 400 * mib, 0, 400)).movable = false;
            host->guests["b"].metadata.nodes = std::vector<int>{1};
            add("c", make_guest("gamma", 2, 100 * mib, 1, 2000)).metadata.nodes =
                std::vector<int>{1};
            settle("a");
            settle("b");
            host->guests["b"].metadata.nodes.reset();
            break;
        case Reason::relief:
            config.planner.watermark = 50;
            add("a", make_guest("alpha", 2, 300 * mib, 0));
            settle("a");
            host->used_by_others[0] = 715 * mib;
            break;
        case Reason::with_group:
            group(Arrangement::together, {"a", "b"});
            add("a", make_guest("alpha", 1, 100 * mib, 0));
            settle("a");
            add("b", make_guest("beta", 1, 200 * mib, 1));
            break;
        case Reason::displaced:
            add("a", make_guest("alpha", 2, 200 * mib, 0));
            settle("a");
            host->guests["a"].metadata.nodes = std::vector<int>{1};
            break;
        case Reason::split:
            add("a", make_guest("alpha", 6, 600 * mib, 0, 3000)).knows_accessors = true;
            break;
        case Reason::off:
            add("a", make_guest("alpha", 2, 200 * mib, 0)).metadata.mode = Mode::off;
            break;
        case Reason::one_node:
            make_host(1, 4, 1024 * mib);
            add("a", make_guest("alpha", 2, 200 * mib, 0));
            break;
        case Reason::not_allowed:
            add("a", make_guest("alpha", 2, 200 * mib, 0));
            host->set_affinity_of("a", 0, {host->host.cpus[0][0]});
            host->set_affinity_of("a", 1, {host->host.cpus[1][0]});
            break;
        case Reason::too_large:
            add("a", make_guest("alpha", 6, 600 * mib, 0));
            break;
        case Reason::no_room:
            host->used_by_others = {500 * mib, 500 * mib};
            add("a", spread(make_guest("alpha", 2, 700 * mib, 0), 350 * mib, 1));
            break;
        case Reason::kept_apart:
            group(Arrangement::apart, {"a", "b", "c"});
            add("b", make_guest("beta", 1, 200 * mib, 0));
            add("c", make_guest("gamma", 1, 200 * mib, 1));
            settle("c");
            add("a", make_guest("alpha", 1, 100 * mib, 0));
            break;
        case Reason::roams:
            // Each node has CPUs left for half of alpha, and the other node is near.
            host->host.topology.distances = {{10, 12}, {12, 10}};
            add("b", make_guest("beta", 3, 300 * mib, 0, 3000));
            add("c", make_guest("gamma", 3, 300 * mib, 1, 3000));
            settle("c");
            add("a", make_guest("alpha", 2, 100 * mib, 0, 2000));
            break;
        case Reason::retry_later:
            host->fail_affinity = [](const auto&) { return EPERM; };
            add("a", make_guest("alpha", 2, 200 * mib, 0));
            break;
    }
}

std::string describe(const Tick& tick) {
    std::string text;
    for (const Verdict& verdict : tick.plan.verdicts)
        text += verdict.key.uuid + ": " + explain(verdict, tick.snapshot.topology) + "\n";
    return text;
}

TEST_P(ReasonTest, IsReachedByTheLoopAndHasASentence) {
    prepare(GetParam());
    ASSERT_TRUE(reaches(GetParam(), std::vector<std::string>{"a", "b"})) << describe(ticks.back());
    EXPECT_NE(explain(verdict(ticks.back(), "a"), ticks.back().snapshot.topology), "");
}

std::vector<Reason> all_reasons() {
    std::vector<Reason> all;
    for (const auto& [reason, word] : reasons)
        all.push_back(reason);
    return all;
}

std::string name_of(const ::testing::TestParamInfo<Reason>& info) {
    std::string word = name(info.param);
    std::replace(word.begin(), word.end(), '-', '_');
    return word;
}

INSTANTIATE_TEST_SUITE_P(All, ReasonTest, ::testing::ValuesIn(all_reasons()), name_of);

}  // namespace
}  // namespace vnuma
