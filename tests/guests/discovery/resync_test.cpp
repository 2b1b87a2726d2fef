#include "guests/discovery/resync.hpp"

#include <gtest/gtest.h>

#include <set>

namespace vnuma {
namespace {

using namespace std::chrono_literals;
using Time = std::chrono::steady_clock::time_point;

constexpr Time begin = Time() + 1h;

TEST(Resync, AnIntervalBeginsOnceInItsLength) {
    for (int key = 0; key < 20; ++key) {
        const std::string name = std::to_string(key);
        const auto first = resync_interval(name, begin, 60s);
        EXPECT_EQ(resync_interval(name, begin + 60s, 60s), first + 1);
        EXPECT_EQ(resync_interval(name, begin + 600s, 60s), first + 10);
        std::set<std::uint64_t> seen;
        for (auto time = begin; time <= begin + 60s; time += 1s)
            seen.insert(resync_interval(name, time, 60s));
        EXPECT_EQ(seen.size(), 2U);
    }
}

TEST(Resync, IntervalsOfManyKeysDoNotBeginAtOneTime) {
    constexpr int keys = 600;
    for (auto time = begin; time < begin + 60s; time += 2s) {
        int begun = 0;
        for (int key = 0; key < keys; ++key) {
            const std::string name = "/run/guest-" + std::to_string(key) + ".qmp";
            begun += resync_interval(name, time, 60s) != resync_interval(name, time - 2s, 60s);
        }
        EXPECT_LT(begun, keys / 8);
    }
}

TEST(Resync, AnIntervalOfAMultipleLengthBeginsTogetherWithAShorterOne) {
    for (int key = 0; key < 20; ++key) {
        const std::string name = std::to_string(key);
        for (auto time = begin; time < begin + 20min; time += 100ms) {
            if (resync_interval(name, time, 600s) == resync_interval(name, time - 100ms, 600s))
                continue;
            EXPECT_NE(resync_interval(name, time, 60s), resync_interval(name, time - 100ms, 60s));
        }
    }
}

}  // namespace
}  // namespace vnuma
