#include "guests/discovery/domain_hints.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace vnuma {
namespace {

using Uuids = std::set<std::string>;

TEST(DomainHints, EachDomainIsNotedOnceUntilItIsTaken) {
    DomainHints hints;
    for (const char* uuid : {"a", "b", "a"})
        hints.note(uuid);
    const DomainHints::Noted noted = hints.take();
    EXPECT_EQ(noted.uuids, (Uuids{"a", "b"}));
    EXPECT_FALSE(noted.all);
    EXPECT_TRUE(hints.take().uuids.empty());
    hints.note("a");
    EXPECT_EQ(hints.take().uuids, Uuids{"a"});
}

TEST(DomainHints, BeyondTheLimitAllDomainsAreNoted) {
    DomainHints hints;
    for (std::size_t i = 0; i < DomainHints::max_uuids; ++i)
        hints.note(std::to_string(i));
    hints.note("0");
    DomainHints::Noted noted = hints.take();
    EXPECT_FALSE(noted.all);
    EXPECT_EQ(noted.uuids.size(), DomainHints::max_uuids);
    for (std::size_t i = 0; i <= DomainHints::max_uuids + 1; ++i)
        hints.note(std::to_string(i));
    noted = hints.take();
    EXPECT_TRUE(noted.all);
    EXPECT_TRUE(noted.uuids.empty());
    EXPECT_FALSE(hints.take().all);
}

TEST(DomainHints, TheFunctionIsCalledOnceForEachDomainThatIsNoted) {
    DomainHints hints;
    hints.note("before");
    int calls = 0;
    hints.set_on_hint([&] { ++calls; });
    hints.note("before");
    EXPECT_EQ(calls, 0) << "nobody had to be woken for what is noted already";
    hints.note("a");
    hints.note("a");
    hints.note("b");
    EXPECT_EQ(calls, 2);
    hints.take();
    hints.note("a");
    EXPECT_EQ(calls, 3);
    hints.set_on_hint({});
    hints.note("c");
    EXPECT_EQ(calls, 3);
    EXPECT_EQ(hints.take().uuids, (Uuids{"a", "c"}));
}

TEST(DomainHints, NothingIsLostBetweenThreads) {
    constexpr int threads = 4, uuids = 500;
    DomainHints hints;
    Uuids taken;
    {
        std::vector<std::jthread> noting;
        for (int t = 0; t < threads; ++t)
            noting.emplace_back([&hints, t] {
                for (int i = 0; i < uuids; ++i)
                    hints.note(std::to_string(t * uuids + i));
            });
        for (int i = 0; i < uuids; ++i)
            taken.merge(hints.take().uuids);
    }
    taken.merge(hints.take().uuids);
    EXPECT_EQ(taken.size(), static_cast<std::size_t>(threads * uuids));
}

}  // namespace
}  // namespace vnuma
