// Every reason and every lack, with and without what may come with them.
#include <gtest/gtest.h>

#include <string_view>

#include "src/control/queries/explain_guest.hpp"
#include "tests/src/control/queries/made_up_tick.hpp"

namespace vnuma::control {
namespace {

using test::MadeUpTick;
using test::tick_of_web1;
using test::web1_uuid;

bool begins_well(const std::string& text) {
    const bool is_capital = text.front() >= 'A' && text.front() <= 'Z';
    return is_capital || text.starts_with("vnumad") || text.starts_with("numad");
}

// What a sentence has where a part of it was empty.
bool has_gap(const std::string& text) {
    for (const std::string_view gap :
         {"  ", " .", " ,", "..", ": .", ":.", "()", "``", ",.", ", ."})
        if (text.find(gap) != std::string::npos) return true;
    return false;
}

void expect_sentences(const std::string& text) {
    ASSERT_FALSE(text.empty());
    EXPECT_EQ(text.back(), '.') << text;
    EXPECT_TRUE(begins_well(text)) << text;
    EXPECT_FALSE(has_gap(text)) << text;
}

void expect_sentences(const std::vector<std::string>& texts) {
    for (const std::string& text : texts)
        expect_sentences(text);
}

void expect_sentences(const Explanation& explanation) {
    ASSERT_FALSE(explanation.guest.empty());
    expect_sentences(explanation.guest);
    for (const CellExplanation& cell : explanation.cells) {
        expect_sentences(cell.where_it_is);
        expect_sentences(cell.where_it_should_be);
        expect_sentences(cell.why);
        expect_sentences(cell.elsewhere);
        expect_sentences(cell.in_the_way);
        expect_sentences(cell.could_change);
    }
}

bool may_have_home(Reason reason) {
    return reason <= Reason::displaced || reason == Reason::retry_later;
}

// As rich, or as poor, as a verdict of this reason may be.
void add_verdict(MadeUpTick& made, Reason reason, bool is_rich) {
    Verdict& verdict = made.add_verdict(reason);
    if (may_have_home(reason)) verdict.home = Home{NodeIndex(1), 20};
    if (reason == Reason::kept_apart) made.state().policy.group = "db";
    if (!is_rich) return;
    verdict.detail = "something is so";
    verdict.wait = 61'000;
    verdict.group_parted = true;
    verdict.unspread_vcpus = 2;
    verdict.roaming_cost = 12'345;
    verdict.alternative =
        Alternative{NodeIndex(0), Lack::memory, 90, Shortage{300 * mib, 100 * mib, 4}, "other"};
    if (!verdict.home) return;
    verdict.home->former = FormerHome{NodeIndex(0), 70, 40 * mib};
    verdict.home->to_move = 700 * mib;
    verdict.home->left_away = 30 * mib;
    verdict.home->queued_behind = 10 * mib;
    verdict.home->memory = NodeIndex(0);
}

// All that may be told of a guest besides.
void add_everything(MadeUpTick& made) {
    GuestSample& sample = made.sample();
    sample.immovable = "its memory is locked";
    sample.cells[0].immovable = "its RAM blocks are not known";
    sample.cells[0].residency.forbidden = "it is interleaved";
    sample.pinned_bytes = 12 * mib;
    sample.problems = {"A detail is odd."};
    GuestState& state = made.state();
    state.policy.group = "db";
    state.policy.memory = MemoryPolicy::none;
    state.policy.nodes = {0, 1};
    state.policy.problems = {"metadata: home: node 5 does not exist on this host"};
    Tick& tick = made.tick;
    tick.snapshot.groups = {{"db", Arrangement::apart}};
    tick.hands_off[web1_uuid] = {"somebody has pinned it", "somebody has moved it"};
    tick.group_problems[web1_uuid] = "iothread 1 cannot be pinned";
    tick.policy_problem = "policy.toml: line 3: guest.web1.mode: must be a string";
    GuestMoves& moves = tick.moves[web1_uuid];
    moves.pace = LatencyGuard::Pace::stays;
    moves.felt = "its vCPUs wait longer, so the rest stays where it is until the guest is idle";
    const CellKey key = made.cell().key;
    tick.results.push_back({PinCell{key, NodeIndex(1)}, 0, "refused", "the guest is gone"});
    tick.results.push_back({MoveMemory{key, NodeIndex(1), mib},
                            0,
                            "move_pages: no",
                            "later",
                            {"memory.rate", "memory.felt", "memory pressure", "share of time",
                             "memory.guest_rate", "memory.call_time", "something new"}});
    Rival numad{"numad", "numad runs as process 812", Handling::refuse, PolicyLimit{}};
    numad.limit->mode = Mode::observe;
    tick.rivals.push_back(numad);
}

class EveryReason : public ::testing::TestWithParam<std::pair<Reason, const char*>> {};

TEST_P(EveryReason, IsExplainedInWholeSentences) {
    for (const bool is_rich : {false, true}) {
        MadeUpTick made = tick_of_web1(3);
        add_verdict(made, GetParam().first, is_rich);
        expect_sentences(explain_guest(made.tick, 0));
        add_everything(made);
        expect_sentences(explain_guest(made.tick, 0));
    }
}

TEST_P(EveryReason, IsExplainedInEveryMode) {
    for (const auto& [mode, name] : modes)
        for (const Mode of_vnumad : {Mode::observe, Mode::advise, Mode::act}) {
            MadeUpTick made = tick_of_web1(3);
            add_verdict(made, GetParam().first, true);
            made.tick.mode = of_vnumad;
            made.state().policy.mode = mode;
            made.tick.frozen = "vnumad is frozen: /run/vnumad/freeze exists";
            expect_sentences(explain_guest(made.tick, 0));
        }
}

TEST_P(EveryReason, IsExplainedOfAShardAndOfOneOfSeveralCells) {
    MadeUpTick made = tick_of_web1(3);
    add_verdict(made, GetParam().first, true);
    made.tick.plan.verdicts.back().key.shard = 0;
    made.tick.plan.verdicts.back().vcpus = {0, 9};
    made.add_cell({}, {0, mib / 2, 0});
    add_verdict(made, GetParam().first, true);
    const Explanation explanation = explain_guest(made.tick, 0);
    EXPECT_EQ(explanation.cells.size(), 3U);
    expect_sentences(explanation);
}

INSTANTIATE_TEST_SUITE_P(All, EveryReason, ::testing::ValuesIn(reasons), [](const auto& info) {
    std::string name = info.param.second;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

class EveryLack : public ::testing::TestWithParam<std::pair<Lack, const char*>> {};

TEST_P(EveryLack, IsExplainedInWholeSentencesAndNamesTheNode) {
    for (const Reason reason : {Reason::settled, Reason::settling, Reason::better_home,
                                Reason::roams, Reason::no_room, Reason::kept_apart})
        for (const bool has_cost : {false, true}) {
            MadeUpTick made = tick_of_web1(3);
            add_verdict(made, reason, true);
            Alternative& there = *made.tick.plan.verdicts.back().alternative;
            there.lack = GetParam().first;
            if (!has_cost) there.cost.reset();
            made.state().policy.group = "db";
            const Explanation explanation = explain_guest(made.tick, 0);
            expect_sentences(explanation);
            if (reason == Reason::settled) {
                EXPECT_EQ(explanation.cells[0].elsewhere.size(), 2U);
                EXPECT_TRUE(explanation.cells[0].elsewhere[0].starts_with("Node 0 "));
            }
        }
}

INSTANTIATE_TEST_SUITE_P(All, EveryLack, ::testing::ValuesIn(lacks), [](const auto& info) {
    std::string name = info.param.second;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

TEST(Explanations, HaveSentencesForEveryState) {
    for (int state = 0; state <= static_cast<int>(RunState::suspended); ++state)
        for (const char* source : {"libvirt", "qmp", "proc"}) {
            MadeUpTick made = tick_of_web1();
            made.sample().state = static_cast<RunState>(state);
            made.sample().source = source;
            made.state().unsteady = "it is not running";
            made.add_verdict(Reason::unsteady).detail = "it is not running";
            expect_sentences(explain_guest(made.tick, 0));
        }
}

TEST(Explanations, DoWithoutWhatIsNotKnown) {
    MadeUpTick made(1);
    made.add_guest("web1", web1_uuid, {-1, -1}, {0});
    expect_sentences(explain_guest(made.tick, 0));
    made.sample().domain.reset();
    made.sample().cells.clear();
    made.state().cells.clear();
    const Explanation explanation = explain_guest(made.tick, 0);
    EXPECT_TRUE(explanation.cells.empty());
    expect_sentences(explanation);
}

}  // namespace
}  // namespace vnuma::control
