#include "src/observe/rivals.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

RivalReading everything() {
    RivalReading reading;
    reading.numa_balancing = 1;
    reading.ksm_across_nodes = true;
    reading.static_cpus = true;
    reading.in_pods = {"a"};
    reading.daemons = {{"numad", 812}, {"tuned", 813}, {"irqbalance", 814}};
    return reading;
}

Coexistence all(Handling handling) {
    return {handling, handling, handling, handling, handling, handling};
}

std::vector<std::string> names_of(const std::vector<Rival>& rivals) {
    std::vector<std::string> names;
    for (const Rival& rival : rivals)
        names.push_back(rival.name);
    return names;
}

const std::vector<std::string> all_names{"numa_balancing", "numad", "ksm",
                                         "kubelet",        "tuned", "irqbalance"};

Rival only(const RivalReading& reading, const Coexistence& coexist = {}) {
    const auto rivals = find_rivals(reading, coexist);
    EXPECT_EQ(rivals.size(), 1U);
    return rivals.at(0);
}

TEST(Rivals, AHostWithoutAnyHasNone) {
    EXPECT_TRUE(find_rivals({}, all(Handling::refuse)).empty());
}

TEST(Rivals, WithShareAllAreToldAndNothingIsLimited) {
    const auto rivals = find_rivals(everything(), all(Handling::share));
    EXPECT_EQ(names_of(rivals), all_names);
    std::vector<PolicyLimit> limits;
    add_limits(rivals, limits);
    EXPECT_TRUE(limits.empty());
    for (const Rival& rival : rivals)
        EXPECT_STREQ(rival.effect(), "vnumad goes on as without it");
}

TEST(Rivals, WithRefuseEachOfThemAloneLimitsAllGuestsToBeObserved) {
    const auto rivals = find_rivals(everything(), all(Handling::refuse));
    EXPECT_EQ(names_of(rivals), all_names);
    for (const Rival& rival : rivals) {
        EXPECT_EQ(rival.limit,
                  (PolicyLimit{"coexist." + rival.name, rival.presence, Mode::observe}));
        EXPECT_STREQ(rival.effect(), "vnumad acts on no guest");
    }
}

TEST(Rivals, WithYieldMemoryIsLeftToTheKernelAndToKsm) {
    for (const Rival& rival : find_rivals(everything(), all(Handling::yield))) {
        if (rival.name != "numa_balancing" && rival.name != "ksm") continue;
        EXPECT_EQ(rival.limit, (PolicyLimit{"coexist." + rival.name, rival.presence, Mode::act,
                                            MemoryPolicy::none}));
        EXPECT_STREQ(rival.effect(), "vnumad moves no memory");
    }
}

TEST(Rivals, WithYieldGuestsInPodsAreLeftToKubernetesAndOthersAreNot) {
    for (const Rival& rival : find_rivals(everything(), all(Handling::yield))) {
        if (rival.name != "kubelet") continue;
        EXPECT_EQ(rival.limit->guests, std::set<std::string>{"a"});
        EXPECT_EQ(rival.limit->mode, Mode::observe);
        EXPECT_STREQ(rival.effect(), "vnumad acts on no guest in a pod");
    }
}

TEST(Rivals, WithYieldNothingIsLeftForVnumadBesideADaemon) {
    for (const Rival& rival : find_rivals(everything(), all(Handling::yield))) {
        if (rival.name != "numad" && rival.name != "tuned" && rival.name != "irqbalance") continue;
        EXPECT_EQ(rival.limit->mode, Mode::observe) << rival.name;
        EXPECT_FALSE(rival.limit->guests) << rival.name;
    }
}

TEST(Rivals, ByDefaultNumadStopsVnumadAndKubernetesKeepsItsGuests) {
    for (const Rival& rival : find_rivals(everything(), {}))
        EXPECT_EQ(rival.limit.has_value(), rival.name == "numad" || rival.name == "kubelet")
            << rival.name;
}

TEST(Rivals, EachSaysHowItShows) {
    RivalReading reading;
    reading.numa_balancing = 2;
    EXPECT_EQ(only(reading).presence,
              "the kernel's NUMA balancing is on (kernel.numa_balancing = 2)");
    reading = {};
    reading.daemons = {{"numad", 812}};
    EXPECT_EQ(only(reading).presence, "numad runs as process 812");
    reading = {};
    reading.ksm_across_nodes = true;
    EXPECT_EQ(only(reading).presence, "KSM merges pages of different nodes");
    reading = {};
    reading.static_memory = true;
    EXPECT_EQ(only(reading).presence, "Kubernetes' memory manager has the static policy");
    reading.static_cpus = true;
    EXPECT_EQ(only(reading).presence,
              "Kubernetes' CPU manager and memory manager have the static policy");
    reading.static_memory = false;
    EXPECT_EQ(only(reading).presence, "Kubernetes' CPU manager has the static policy");
}

}  // namespace
}  // namespace vnuma
