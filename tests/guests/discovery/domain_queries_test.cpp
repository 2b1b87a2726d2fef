#include "guests/discovery/domain_queries.hpp"

#include <gtest/gtest.h>
#include <libvirt/libvirt.h>

#include <algorithm>

#include "guests/discovery/libvirt_limits.hpp"
#include "tests/guests/discovery/hanging_calls.hpp"

namespace vnuma {
namespace {

using namespace std::chrono_literals;
using Names = std::vector<std::string>;

constexpr const char* xml =
    "<domain><name>a</name><uuid>u</uuid><memory>1024</memory><vcpu>1</vcpu></domain>";

constexpr DomainState running{VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_BOOTED};
constexpr DomainState paused{VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_USER};

// Domains whose uuid is their name. All run, unless a test says otherwise. The list does not tell
// states, so that all queries are due, unless a test says otherwise.
class DomainQueriesTest : public ::testing::Test {
  protected:
    ~DomainQueriesTest() override { hanging.release(); }

    std::vector<ListedGuest> list(const Names& names) {
        std::vector<DomainQuery> domains;
        for (const std::string& name : names)
            domains.push_back({name, name,
                               [this, name, reply = replies[name]] {
                                   hanging.enter(name);
                                   hanging.advance(duration);
                                   return reply;
                               },
                               id, listed_state});
        return queries.run(domains, hanging.now());
    }
    // The same, of one domain. Returns whether it was asked about.
    bool asks_about(const std::string& name) {
        const int before = hanging.entered(name);
        list({name});
        return hanging.entered(name) > before;
    }
    // Why the guest is unsteady.
    std::string reason(const std::vector<ListedGuest>& guests, const std::string& name) {
        for (const ListedGuest& guest : guests)
            if (guest.uuid == name) return guest.unsteady;
        return "not listed";
    }
    // The calls that hung before return.
    void release() {
        hanging.release();
        while (calls.hung() > 0)
            std::this_thread::yield();
    }

    struct Reply : DomainReply {
        Reply() {
            state = RunState::running;
            DomainReply::xml = vnuma::xml;
        }
    };
    std::map<std::string, Reply> replies;
    std::optional<DomainState> listed_state;  // of all domains
    std::optional<int> id;                    // of all domains
    std::chrono::milliseconds duration{0};    // of a query that does not hang
    test::HangingCalls hanging;
    CallsWithTimeout calls{hanging.wait()};
    DomainQueries queries{calls, hanging.clock()};
};

TEST_F(DomainQueriesTest, AGuestHasItsStateAndDescription) {
    const auto first = list({"a"}), second = list({"a"});
    ASSERT_EQ(first.size(), 1U);
    EXPECT_EQ(first[0].name, "a");
    EXPECT_EQ(first[0].state, RunState::running);
    EXPECT_EQ(first[0].unsteady, "");
    ASSERT_TRUE(first[0].domain);
    EXPECT_EQ(first[0].domain, second[0].domain) << "the same object while the XML is the same";
    EXPECT_EQ(queries.find("a"), first[0].domain.get());
    EXPECT_EQ(queries.find("b"), nullptr);
}

TEST_F(DomainQueriesTest, AGuestIsReadWhenItsOwnQueryBegins) {
    duration = 300ms;
    const auto begin = hanging.now();
    const auto guests = list({"a", "b"});
    EXPECT_EQ(guests[0].read_at, begin);
    EXPECT_EQ(guests[1].read_at, begin + 300ms);
}

TEST_F(DomainQueriesTest, ADomainThatHasEndedIsNotListed) {
    replies["a"].gone = true;
    replies["a"].error = "no such domain";
    EXPECT_EQ(list({"a", "b"}).size(), 1U);
}

TEST_F(DomainQueriesTest, AnErrorIsTheReasonAndTheDescriptionIsKept) {
    list({"a"});
    replies["a"].error = "libvirt: out of memory";
    const auto guests = list({"a"});
    EXPECT_EQ(guests[0].unsteady, "libvirt: out of memory");
    EXPECT_TRUE(guests[0].domain);
    EXPECT_EQ(guests[0].state, RunState::unknown);
}

TEST_F(DomainQueriesTest, XmlThatCannotBeUsedIsTheReason) {
    replies["a"].xml = "<network/>";
    const auto guests = list({"a"});
    EXPECT_EQ(guests[0].unsteady,
              "its domain XML cannot be used: the root element must be <domain>");
    EXPECT_FALSE(guests[0].domain);
}

TEST_F(DomainQueriesTest, AGuestWhoseQueryHangsKeepsItsDescriptionAndTheReasonCountsTheSeconds) {
    list({"a"});
    hanging.hang({"a"});
    const auto guests = list({"a"});
    EXPECT_TRUE(guests[0].domain);
    EXPECT_EQ(guests[0].state, RunState::unknown);
    EXPECT_EQ(guests[0].unsteady, "libvirt has not answered for this domain for 1 s");
    hanging.advance(5s);
    EXPECT_EQ(reason(list({"a"}), "a"), "libvirt has not answered for this domain for 6 s");
    EXPECT_EQ(hanging.entered("a"), 2) << "no second query while the first one hangs";
}

TEST_F(DomainQueriesTest, HungQueriesLeaveOneCallForTheListOfDomains) {
    const Names names{"a", "b", "c", "d", "e", "f", "g"};
    hanging.hang({names.begin(), names.end()});
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(list(names).size(), names.size());
        EXPECT_LE(calls.hung(), libvirt_limits::max_hung_for_query);
        EXPECT_EQ(calls.run(
                      "", [] { return 7; }, 1s),
                  7);
    }
    EXPECT_EQ(reason(list(names), "g"),
              "libvirt is not asked about it while 4 calls for other domains do not return");
}

TEST_F(DomainQueriesTest, OtherDomainsAreAskedAboutWhileThreeHang) {
    hanging.hang({"a", "b", "c"});
    for (int i = 0; i < 2; ++i)
        list({"a", "b", "c", "d"});
    EXPECT_EQ(calls.hung(), 3U);
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(reason(list({"a", "b", "c", "d"}), "d"), "");
}

TEST_F(DomainQueriesTest, ADomainInQuarantineIsAskedAboutAgainAfterPausesThatGrow) {
    for (const auto pause : {2s, 4s, 8s, 16s, 30s, 30s}) {
        hanging.hang({"a"});
        const int before = hanging.entered("a");
        list({"a"});
        ASSERT_EQ(hanging.entered("a"), before + 1);
        release();
        hanging.advance(pause - 1ms);
        list({"a"});
        EXPECT_EQ(hanging.entered("a"), before + 1) << pause.count();
        hanging.advance(1ms);
    }
    EXPECT_EQ(reason(list({"a"}), "a"), "") << "it answers at last";
    hanging.hang({"a"});
    list({"a"});
    release();
    hanging.advance(2s);
    EXPECT_EQ(reason(list({"a"}), "a"), "") << "the pauses are short again";
}

TEST_F(DomainQueriesTest, DomainsInQuarantineAreAskedAboutOneAtATimeAndAfterTheOthers) {
    const Names names{"a", "b", "c", "d"};
    hanging.hang({"a", "b", "c"});
    for (int i = 0; i < 2; ++i)
        list(names);
    release();
    hanging.advance(60s);
    hanging.hang({"a", "b", "c"});
    for (std::size_t hung = 1; hung <= libvirt_limits::max_hung_in_quarantine; ++hung) {
        EXPECT_EQ(reason(list(names), "d"), "");
        EXPECT_EQ(calls.hung(), hung);
    }
}

TEST_F(DomainQueriesTest, AQuarantineNeverTakesTheCallOfTheOtherDomains) {
    const Names names{"a", "b", "c", "d", "e"};
    hanging.hang({"a", "b", "c", "d"});
    for (int i = 0; i < 2; ++i)
        list(names);
    release();
    hanging.advance(60s);
    hanging.hang({"a", "b", "c", "d"});
    for (int i = 0; i < 6; ++i)
        EXPECT_EQ(reason(list(names), "e"), "");
    EXPECT_EQ(calls.hung(), libvirt_limits::max_hung_in_quarantine);
}

TEST_F(DomainQueriesTest, SlowDomainsEndTheListInTimeAndTakeTurns) {
    duration = 900ms;
    const Names names{"a", "b", "c", "d", "e"};
    const auto begin = hanging.now();
    const auto first = list(names);
    EXPECT_LE(hanging.now() - begin, libvirt_limits::all_queries);
    EXPECT_EQ(reason(first, "c"), "");
    EXPECT_EQ(reason(first, "d"),
              "libvirt was not asked about it, because other domains took more than 2000 ms");
    const auto second = list(names);
    EXPECT_EQ(reason(second, "d"), "");
    EXPECT_EQ(reason(second, "e"), "");
    EXPECT_NE(reason(second, "c"), "");
}

TEST_F(DomainQueriesTest, ADomainInQuarantineIsSeenToAnswerAgainHoweverSlowTheOthersAre) {
    hanging.hang({"a"});
    list({"a"});
    release();
    hanging.advance(60s);
    duration = 900ms;
    EXPECT_EQ(reason(list({"a", "b", "c", "d", "e"}), "a"), "");
}

TEST_F(DomainQueriesTest, AHungDomainTakesNoMoreOfTheListThanItsLimit) {
    hanging.hang({"a", "b", "c"});
    const auto begin = hanging.now();
    list({"a", "b", "c"});
    EXPECT_LE(hanging.now() - begin, libvirt_limits::all_queries);
}

TEST_F(DomainQueriesTest, MonitorsAreAskedOnlyWhileFewCallsHang) {
    list({"a", "b", "c"});
    EXPECT_EQ(queries.why_no_monitor_call("a"), "");
    hanging.hang({"a", "b"});
    list({"a", "b", "c"});
    EXPECT_EQ(queries.why_no_monitor_call("a"), "libvirt has not answered for this domain for 2 s");
    EXPECT_EQ(queries.why_no_monitor_call("c"),
              "its monitor is not asked while 2 calls for other domains do not return");
    release();
    EXPECT_EQ(queries.why_no_monitor_call("c"), "");
    EXPECT_NE(queries.why_no_monitor_call("a"), "") << "in quarantine";
}

TEST_F(DomainQueriesTest, ADomainThatIsNotListedAnyMoreIsForgotten) {
    list({"a", "b"});
    list({"b"});
    EXPECT_EQ(queries.find("a"), nullptr);
    EXPECT_NE(queries.find("b"), nullptr);
}

// What the list tells of the domains that a test has.
class DueDomainsTest : public DomainQueriesTest {
  protected:
    DueDomainsTest() {
        listed_state = running;
        id = 1;
    }
};

TEST_F(DueDomainsTest, ADomainThatRunsAsBeforeIsNotAskedAbout) {
    EXPECT_TRUE(asks_about("a")) << "it is new";
    const auto first = list({"a"}), second = list({"a"});
    EXPECT_EQ(hanging.entered("a"), 1);
    EXPECT_EQ(second[0].state, RunState::running);
    EXPECT_EQ(second[0].unsteady, "");
    EXPECT_EQ(second[0].id, 1);
    ASSERT_TRUE(second[0].domain);
    EXPECT_EQ(second[0].domain, first[0].domain);
}

TEST_F(DueDomainsTest, WithoutStatesInTheListEveryDomainIsAskedAboutAtEveryLook) {
    listed_state.reset();
    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(asks_about("a"));
}

TEST_F(DueDomainsTest, TheJobIsKnownOnlyOfADomainThatWasAskedAbout) {
    EXPECT_TRUE(list({"a"})[0].job_known);
    EXPECT_FALSE(list({"a"})[0].job_known);
}

TEST_F(DueDomainsTest, AGuestThatIsNotAskedAboutWasReadWhenTheListWasMade) {
    list({"a"});
    const auto listed_at = hanging.now();
    duration = 300ms;
    const auto guests = list({"b", "a"});
    const auto guest = std::find_if(guests.begin(), guests.end(),
                                    [](const ListedGuest& one) { return one.uuid == "a"; });
    ASSERT_NE(guest, guests.end());
    EXPECT_EQ(guest->read_at, listed_at);
    EXPECT_EQ(hanging.entered("a"), 1);
}

TEST_F(DueDomainsTest, ADomainWhoseStateHasChangedIsAskedAbout) {
    list({"a"});
    listed_state = paused;
    replies["a"].state = RunState::paused;
    EXPECT_TRUE(asks_about("a"));
    listed_state = running;
    replies["a"].state = RunState::running;
    EXPECT_TRUE(asks_about("a"));
    EXPECT_FALSE(asks_about("a"));
}

TEST_F(DueDomainsTest, AnotherReasonForTheSameStateIsAChange) {
    list({"a"});
    listed_state = DomainState{VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_UNPAUSED};
    EXPECT_TRUE(asks_about("a")) << "it was paused in between";
    EXPECT_FALSE(asks_about("a"));
}

TEST_F(DueDomainsTest, ADomainThatWasStartedAnewIsAskedAbout) {
    list({"a"});
    id = 2;
    EXPECT_TRUE(asks_about("a"));
    EXPECT_FALSE(asks_about("a"));
}

TEST_F(DueDomainsTest, ADomainThatDoesNotSimplyRunIsAskedAboutAtEveryLook) {
    replies["a"].state = RunState::migrating;
    EXPECT_TRUE(asks_about("a"));
    EXPECT_TRUE(asks_about("a")) << "the list does not tell that the migration has ended";
    replies["a"].state = RunState::running;
    EXPECT_TRUE(asks_about("a"));
    EXPECT_FALSE(asks_about("a"));
    listed_state = paused;
    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(asks_about("a")) << "it was resumed after the list was made";
}

TEST_F(DueDomainsTest, AMarkHoldsUntilAQuerySucceeds) {
    list({"a"});
    queries.mark_due("a");
    queries.mark_due("nobody");
    replies["a"].error = "libvirt: out of memory";
    EXPECT_TRUE(asks_about("a"));
    EXPECT_TRUE(asks_about("a"));
    replies["a"].error = "";
    EXPECT_TRUE(asks_about("a"));
    EXPECT_FALSE(asks_about("a"));
}

TEST_F(DueDomainsTest, AllDomainsCanBeMarked) {
    list({"a", "b"});
    queries.mark_all_due();
    list({"a", "b"});
    list({"a", "b"});
    EXPECT_EQ(hanging.entered("a"), 2);
    EXPECT_EQ(hanging.entered("b"), 2);
}

TEST_F(DueDomainsTest, ADomainWhoseQueryWasNotMadeInTimeStaysDue) {
    const Names names{"a", "b", "c", "d", "e"};
    list(names);
    queries.mark_all_due();
    duration = 900ms;
    list(names);
    list(names);
    for (const std::string& name : names)
        EXPECT_GE(hanging.entered(name), 2) << name << ", or 3 if its resync was due, too";
}

TEST_F(DueDomainsTest, ADomainInQuarantineIsAskedAboutAgain) {
    list({"a"});
    hanging.hang({"a"});
    queries.mark_due("a");
    EXPECT_NE(reason(list({"a"}), "a"), "");
    release();
    EXPECT_NE(reason(list({"a"}), "a"), "") << "the pause is not over";
    hanging.advance(libvirt_limits::first_quarantine);
    EXPECT_TRUE(asks_about("a"));
    EXPECT_EQ(reason(list({"a"}), "a"), "");
}

TEST_F(DueDomainsTest, ADomainWithACallThatHangsIsUnsteadyThoughNoQueryIsDue) {
    list({"a"});
    hanging.hang({"of the monitor"});
    calls.run(
        "a",
        [this] {
            hanging.enter("of the monitor");
            return 0;
        },
        libvirt_limits::monitor);
    EXPECT_EQ(reason(list({"a"}), "a"), "libvirt has not answered for this domain for 1 s");
}

TEST_F(DueDomainsTest, TheSecondsWithoutAnAnswerCountFromTheQueryThatHangs) {
    list({"a"});
    hanging.advance(20s);
    list({"a"});
    hanging.hang({"a"});
    queries.mark_due("a");
    EXPECT_EQ(reason(list({"a"}), "a"), "libvirt has not answered for this domain for 1 s");
}

TEST_F(DueDomainsTest, XmlThatCannotBeUsedStaysTheReason) {
    replies["a"].xml = "<network/>";
    list({"a"});
    EXPECT_FALSE(asks_about("a"));
    EXPECT_EQ(reason(list({"a"}), "a"),
              "its domain XML cannot be used: the root element must be <domain>");
}

TEST_F(DueDomainsTest, EachDomainIsAskedAboutOnceInAResyncIntervalAndNotAllInOneLook) {
    constexpr auto interval = 2s;
    constexpr int looks = libvirt_limits::resync / interval, domains = 60;
    Names names;
    for (int i = 0; i < domains; ++i)
        names.push_back("domain " + std::to_string(i));
    const auto count = [&] {
        int queries_made = 0;
        for (const std::string& name : names)
            queries_made += hanging.entered(name);
        return queries_made;
    };
    list(names);
    for (int minute = 0; minute < 3; ++minute) {
        for (int look = 0; look < looks; ++look) {
            const int before = count();
            hanging.advance(interval);
            list(names);
            EXPECT_LT(count() - before, domains / 4);
        }
        for (const std::string& name : names)
            EXPECT_EQ(hanging.entered(name), 2 + minute) << name;
    }
}

}  // namespace
}  // namespace vnuma
