// Properties of the policy in force, for random sources.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "policy/resolve_policy.hpp"
#include "tests/policy/policy_sources.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

// Random overrides. Some of them are impossible on every host.
class RandomSources {
  public:
    explicit RandomSources(unsigned seed) : random_(seed) {}

    int below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random_); }
    Mode mode() { return modes[static_cast<std::size_t>(below(4))].first; }
    MemoryPolicy memory() { return memory_policies[static_cast<std::size_t>(below(3))].first; }
    Numbers nodes(int max_count) {
        Numbers numbers(static_cast<std::size_t>(below(max_count + 1)));
        for (int& number : numbers)
            number = below(7) - 1;
        return numbers;
    }
    PolicyOverrides overrides() {
        static constexpr std::array groups{"a", "b", "nobody", "", "\n"};
        PolicyOverrides overrides;
        if (below(2)) overrides.mode = mode();
        if (below(2)) overrides.group = groups[static_cast<std::size_t>(below(5))];
        if (below(3) == 0) overrides.nodes = nodes(5);
        if (below(3) == 0) overrides.home = nodes(3);
        if (below(2)) overrides.memory = memory();
        if (below(2)) overrides.priority = below(500) - 250;
        return overrides;
    }
    HostPolicy host() {
        HostPolicy host;
        host.defaults = overrides();
        if (below(2)) host.guests["web"] = overrides();
        if (below(2)) host.guests[uuid] = overrides();
        if (below(4) == 0) host.guests["w*"] = overrides();
        if (below(4) == 0) host.cgroups["/pods/*"] = overrides();
        host.groups["a"].members = overrides();
        host.groups["b"].members = overrides();
        if (below(2)) host.run_time.groups["b"].members = overrides();
        if (below(2)) host.run_time.guests["web"] = overrides();
        if (below(4) == 0) host.run_time.cgroups["/pods/*"] = overrides();
        host.ceiling_mode = mode();
        host.ceiling_memory = memory();
        host.ceiling_priority = below(201) - 100;
        if (below(2)) host.ceiling_nodes = nodes(4);
        if (below(2)) host.ceiling_groups = {"b"};
        if (below(4) == 0) host.limits.push_back({"policy", "something lasts", mode(), memory()});
        return host;
    }
    PolicySources guest() {
        PolicySources guest;
        guest.uuid = uuid;
        guest.name = "web";
        guest.cells = static_cast<std::size_t>(below(4));
        guest.metadata = overrides();
        if (below(4) == 0) guest.metadata_problems = {"metadata: mode: is not a mode"};
        if (below(2)) guest.cgroup = "/pods/a";
        return guest;
    }

  private:
    std::mt19937 random_;
};

bool is_subset(const Numbers& some, const Numbers& of) {
    return std::all_of(some.begin(), some.end(), [&](int number) {
        return std::find(of.begin(), of.end(), number) != of.end();
    });
}

TEST(ResolvePolicyProperty, ThePolicyIsWithinTheCeilingAndTheHost) {
    for (unsigned seed = 0; seed < 20'000; ++seed) {
        RandomSources random(seed);
        const HostPolicy host = random.host();
        const PolicySources guest = random.guest();
        const Numbers nodes = random.nodes(4);
        SCOPED_TRACE("seed " + std::to_string(seed));
        const GuestPolicy policy = resolve_policy(host, guest, nodes);
        ASSERT_LE(policy.mode, host.ceiling_mode);
        ASSERT_LE(policy.memory, host.ceiling_memory);
        for (const PolicyLimit& limit : host.limits) {
            ASSERT_LE(policy.mode, limit.mode);
            ASSERT_LE(policy.memory, limit.memory);
        }
        ASSERT_LE(policy.priority, host.ceiling_priority);
        ASSERT_GE(policy.priority, min_priority);
        ASSERT_TRUE(policy.group.empty() || host.groups.contains(policy.group));
        ASSERT_TRUE(policy.group != "a" || !host.ceiling_groups);
        ASSERT_TRUE(policy.nodes || !host.ceiling_nodes);
        if (policy.nodes) {
            ASSERT_TRUE(is_subset(*policy.nodes, nodes));
            ASSERT_TRUE(is_subset(*policy.nodes, host.ceiling_nodes.value_or(*policy.nodes)));
            ASSERT_TRUE(is_subset(policy.home, *policy.nodes));
            ASSERT_TRUE(!policy.nodes->empty() || policy.mode <= Mode::observe);
        }
        ASSERT_TRUE(is_subset(policy.home, nodes));
        ASSERT_TRUE(policy.home.empty() || policy.home.size() == guest.cells);
        ASSERT_EQ(policy, resolve_policy(host, guest, nodes))
            << "the same sources give the same policy";
    }
}

TEST(ResolvePolicyProperty, ProblemsOfTheMetadataNeverRaiseTheMode) {
    for (unsigned seed = 0; seed < 5'000; ++seed) {
        RandomSources random(seed);
        HostPolicy host = random.host();
        PolicySources guest = random.guest();
        host.run_time.guests.clear();
        host.run_time.cgroups.clear();
        guest.metadata.group.reset();
        guest.metadata_problems = {"metadata: mode: is not a mode"};
        const GuestPolicy policy = resolve_policy(host, guest, two_nodes);
        guest.metadata.mode.reset();
        guest.metadata_problems.clear();
        const GuestPolicy without = resolve_policy(host, guest, two_nodes);
        ASSERT_LE(policy.mode, std::min(without.mode, Mode::observe)) << "seed " << seed;
    }
}

TEST(ResolvePolicyProperty, EveryProblemNamesItsSourceAndKey) {
    for (unsigned seed = 0; seed < 5'000; ++seed) {
        RandomSources random(seed);
        const GuestPolicy policy = resolve_policy(random.host(), random.guest(), two_nodes);
        for (const std::string& problem : policy.problems) {
            const std::string source = problem.substr(0, problem.find(": "));
            const std::string rest = problem.substr(std::min(source.size() + 2, problem.size()));
            const std::string key = rest.substr(0, rest.find(": "));
            ASSERT_TRUE(
                source == "policy" || source == "ceiling" || source == "metadata" ||
                source == "run-time policy" || source.starts_with("run-time policy, group.") ||
                source.starts_with("run-time policy, guest.") ||
                source.starts_with("run-time policy, cgroup.") || source.starts_with("guest.") ||
                source.starts_with("cgroup.") || source.starts_with("group."))
                << problem;
            ASSERT_TRUE(key == "mode" || key == "group" || key == "nodes" || key == "home" ||
                        key == "memory" || key == "priority")
                << problem;
        }
    }
}

}  // namespace
}  // namespace vnuma
