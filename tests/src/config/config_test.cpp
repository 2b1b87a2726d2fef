#include "src/config/config.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

std::vector<std::string> problems_of(const std::string& text) {
    try {
        parse_config(text, "f.conf");
    } catch (const ConfigError& error) {
        return error.problems;
    }
    return {};
}

TEST(Config, AnEmptyFileMeansTheDefaults) {
    EXPECT_EQ(to_toml(parse_config("", "f.conf")), to_toml(Config{}));
}

TEST(Config, ReadsEveryKey) {
    const Config config = parse_config(
        "mode = \"observe\"\ninterval = \"500ms\"\non_stop = \"keep\"\n"
        "source = \"qmp\"\nqmp_dir = \"/run/q\"\nrun_time_policy = \"/run/p\"\n"
        "qmp_pattern = [\"*.q\", \"qmp-*\"]\n"
        "[libvirt]\nuri = \"qemu:///session\"\npid_directory = \"/run/x\"\nmonitor = \"never\"\n"
        "[planner]\nhorizon = \"2min\"\ncool_down = \"1h\"\nmargin = 0.25\nimbalance = 0.2\n"
        "changes_per_hour = 3\n"
        "[memory]\nrate = \"1GiB\"\nguest_rate = \"64M\"\ncall_time = \"20ms\"\nfelt = "
        "0.02\nwatermark = 0.1\n"
        "residency = \"sampled\"\npagemap = true\n"
        "[coexist]\nnuma_balancing = \"yield\"\nnumad = \"share\"\nksm = \"refuse\"\n"
        "kubelet = \"refuse\"\ntuned = \"refuse\"\nirqbalance = \"yield\"\n"
        "[tracking]\nheat = \"soft-dirty\"\nattribution = \"never\"\noverhead = 0.05\n"
        "longest_stall = \"1s\"\nmin_period = \"1s\"\nmax_period = \"5min\"\n[report]\nheat_map = "
        "true\n",
        "f.conf");
    EXPECT_EQ(config.mode, Mode::observe);
    EXPECT_EQ(config.interval.count(), 500);
    EXPECT_FALSE(config.restore_at_stop);
    EXPECT_EQ(config.run_time_policy, "/run/p");
    EXPECT_EQ(config.libvirt.uri, "qemu:///session");
    EXPECT_EQ(config.libvirt.pid_directory, "/run/x");
    EXPECT_EQ(config.planner.horizon, 120'000);
    EXPECT_EQ(config.planner.cool_down, 3'600'000);
    EXPECT_EQ(config.planner.margin, 250);
    EXPECT_EQ(config.planner.imbalance, 200);
    EXPECT_EQ(config.planner.changes_per_hour, 3);
    EXPECT_EQ(config.planner.pace, 1024 * mib);
    EXPECT_EQ(config.guest_rate, 64 * mib);
    EXPECT_EQ(config.call_time.count(), 20);
    EXPECT_EQ(config.felt, 20);
    EXPECT_EQ(config.planner.watermark, 100);
    EXPECT_EQ(config.source, SourceChoice::qmp);
    EXPECT_EQ(config.qmp_dir, "/run/q");
    EXPECT_EQ(config.qmp_pattern, (std::vector<std::string>{"*.q", "qmp-*"}));
    EXPECT_FALSE(config.libvirt.ask_monitor);
    EXPECT_EQ(config.residency, ResidencyMode::sampled);
    EXPECT_TRUE(config.pagemap);
    EXPECT_EQ(config.coexist.numa_balancing, Handling::yield);
    EXPECT_EQ(config.coexist.numad, Handling::share);
    EXPECT_EQ(config.coexist.ksm, Handling::refuse);
    EXPECT_EQ(config.coexist.kubelet, Handling::refuse);
    EXPECT_EQ(config.coexist.tuned, Handling::refuse);
    EXPECT_EQ(config.coexist.irqbalance, Handling::yield);
    EXPECT_EQ(config.tracking.heat, HeatChoice::soft_dirty);
    EXPECT_FALSE(config.tracking.attribution);
    EXPECT_EQ(config.tracking.overhead_permille, 50);
    EXPECT_EQ(config.tracking.longest_stall.count(), 1000);
    EXPECT_EQ(config.tracking.period.least.count(), 1000);
    EXPECT_EQ(config.tracking.period.most.count(), 300'000);
    EXPECT_TRUE(config.tracking.heat_map);
}

TEST(Config, AnEmptyRunTimePolicyMeansThatThereIsNone) {
    const Config config = parse_config("run_time_policy = \"\"\n", "f.conf");
    EXPECT_EQ(config.run_time_policy, "");
    EXPECT_EQ(to_toml(parse_config(to_toml(config), "f.conf")), to_toml(config));
    EXPECT_EQ(problems_of("run_time_policy = 5\n"),
              std::vector<std::string>{"f.conf:1: run_time_policy: must be a string"});
    EXPECT_EQ(problems_of("[libvirt]\nuri = \"\"\n"),
              std::vector<std::string>{"f.conf:2: libvirt.uri: must not be empty"});
}

TEST(Config, ReadsThePolicyOfGuestsAndGroups) {
    const HostPolicy policy =
        parse_config(
            "[policy]\nmode = \"advise\"\nmemory = \"eager\"\npriority = -5\nnodes = \"0-2\"\n"
            "[ceiling]\nmode = \"advise\"\nnodes = \"0-3,^1\"\nmemory = \"lazy\"\npriority = 50\n"
            "groups = [\"db\"]\n"
            "[guest.\"web.example\"]\nmode = \"off\"\ngroup = \"db\"\nnodes = \"1\"\n"
            "home = \"1,0-1\"\nmemory = \"none\"\npriority = 100\n"
            "[guest.3caba501-6c1e-4c39-9f53-0d8f2f5f1a10]\nhome = \"1\"\n"
            "[group.db]\narrangement = \"apart\"\nmode = \"observe\"\nnodes = \"0\"\n"
            "home = \"0\"\nmemory = \"lazy\"\npriority = 3\n[group.empty]\n",
            "f.conf")
            .policy;
    using Numbers = std::vector<int>;
    EXPECT_EQ(policy.defaults, (PolicyOverrides{Mode::advise, std::nullopt, Numbers{0, 1, 2},
                                                std::nullopt, MemoryPolicy::eager, -5}));
    EXPECT_EQ(policy.ceiling_mode, Mode::advise);
    EXPECT_EQ(policy.ceiling_nodes, (Numbers{0, 2, 3}));
    EXPECT_EQ(policy.ceiling_memory, MemoryPolicy::lazy);
    EXPECT_EQ(policy.ceiling_priority, 50);
    EXPECT_EQ(policy.ceiling_groups, std::vector<std::string>{"db"});
    EXPECT_EQ(
        policy.guests.at("web.example"),
        (PolicyOverrides{Mode::off, "db", Numbers{1}, Numbers{1, 0, 1}, MemoryPolicy::none, 100}));
    EXPECT_EQ(policy.guests.at("3caba501-6c1e-4c39-9f53-0d8f2f5f1a10").home, Numbers{1});
    EXPECT_EQ(policy.groups.at("db"), (GroupOverrides{Arrangement::apart,
                                                      {Mode::observe, std::nullopt, Numbers{0},
                                                       Numbers{0}, MemoryPolicy::lazy, 3}}));
    EXPECT_EQ(policy.groups.at("empty"), GroupOverrides{});
}

TEST(Config, AUuidIsThatOfItsGuestInAnySpelling) {
    const std::string uuid = "abcdef01-2345-4678-89ab-cdefabcdef01";
    for (const char* written :
         {"ABCDEF01-2345-4678-89AB-CDEFABCDEF01", "abcdef012345467889abcdefabcdef01",
          "\"{ABCDEF01-2345-4678-89AB-CDEFABCDEF01}\""}) {
        const Config config =
            parse_config("[guest." + std::string(written) + "]\nmode = \"off\"\n", "f.conf");
        ASSERT_TRUE(config.policy.guests.contains(uuid)) << written;
        EXPECT_EQ(config.policy.guests.at(uuid).mode, Mode::off);
        EXPECT_NE(to_toml(config).find("[guest." + uuid + "]"), std::string::npos);
    }
    EXPECT_EQ(problems_of("[guest." + uuid + "]\n[guest.ABCDEF01-2345-4678-89AB-CDEFABCDEF01]\n"),
              std::vector<std::string>{"f.conf:1: guest." + uuid +
                                       ": another section has the same UUID, " + uuid})
        << "nobody can tell which of the two counts";
}

TEST(Config, ReadsPatternsOfNamesAndControlGroups) {
    const std::string text =
        "[guest.\"web*\"]\npriority = 3\n[cgroup.\"/kubepods/burstable/*\"]\nmode = "
        "\"observe\"\ngroup = \"db\"\n[group.db]\n";
    const Config config = parse_config(text, "f.conf");
    EXPECT_EQ(config.policy.guests.at("web*").priority, 3);
    EXPECT_EQ(config.policy.cgroups.at("/kubepods/burstable/*").mode, Mode::observe);
    EXPECT_EQ(config.policy.cgroups.at("/kubepods/burstable/*").group, "db");
    EXPECT_EQ(parse_config(to_toml(config), "f.conf").policy.cgroups, config.policy.cgroups);
    EXPECT_EQ(problems_of("[cgroup.kubepods]\n[cgroup.\"/a\"]\ncolour = 1\n"),
              (std::vector<std::string>{
                  "f.conf:1: cgroup.kubepods: must be the path of a control group, which begins "
                  "with '/', or a pattern of such paths",
                  "f.conf:3: cgroup.\"/a\".colour: unknown key"}));
}

TEST(Config, ThePolicyItPrintsCanBeRead) {
    const Config config = parse_config(
        "[policy]\npriority = 5\n[ceiling]\nmode = \"observe\"\nnodes = \"0-2\"\n"
        "groups = [\"x.y\"]\n"
        "[guest.\"a \\\"b\\\".c\"]\nmode = \"act\"\nhome = \"1,0\"\ngroup = \"x.y\"\n[guest.mute]\n"
        "[group.\"x.y\"]\narrangement = \"together\"\npriority = -100\n",
        "f.conf");
    const std::string printed = to_toml(config);
    const HostPolicy policy = parse_config(printed, "f.conf").policy;
    EXPECT_EQ(to_toml(parse_config(printed, "f.conf")), printed);
    EXPECT_EQ(policy.guests, config.policy.guests);
    EXPECT_EQ(policy.groups, config.policy.groups);
    EXPECT_EQ(policy.ceiling_nodes, config.policy.ceiling_nodes);
    EXPECT_EQ(policy.ceiling_groups, config.policy.ceiling_groups);
    EXPECT_EQ(policy.defaults.mode, Mode::observe) << "what is in effect";
}

TEST(Config, AGuestMayBeInNoGroup) {
    const Config config = parse_config("[guest.web]\ngroup = \"\"\n", "f.conf");
    EXPECT_EQ(config.policy.guests.at("web").group, "");
    EXPECT_EQ(parse_config(to_toml(config), "f.conf").policy.guests, config.policy.guests);
}

TEST(Config, AGuestOfAGroupThatIsNotInTheFileIsAProblem) {
    const auto problems = problems_of("[guest.web]\ngroup = \"db\"\n[group.dc]\n");
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(problems[0], "f.conf:2: guest.web.group: there is no section [group.db]");
    EXPECT_EQ(problems_of("[ceiling]\ngroups = [\"a\", \"db\"]\n[group.a]\n"),
              std::vector<std::string>{"f.conf:2: ceiling.groups: there is no section [group.db]"});
    EXPECT_EQ(problems_of("[ceiling]\ngroups = \"a\"\n[group.a]\n"),
              std::vector<std::string>{"f.conf:2: ceiling.groups: must be a list of strings"});
    EXPECT_EQ(problems_of("[ceiling]\ngroups = [1]\n"),
              std::vector<std::string>{"f.conf:2: ceiling.groups: must be a string"});
}

TEST(Config, ACeilingOfNoGroupsIsNotNoCeiling) {
    const Config config = parse_config("[ceiling]\ngroups = []\n", "f.conf");
    EXPECT_EQ(config.policy.ceiling_groups, std::vector<std::string>());
    EXPECT_EQ(parse_config(to_toml(config), "f.conf").policy.ceiling_groups,
              std::vector<std::string>());
}

TEST(Config, NamesAllProblemsOfGuestsAtOnce) {
    const auto problems = problems_of(
        "[policy]\nhome = \"0\"\n[ceiling]\npriority = 101\n[guest.web]\nnodes = \"1-x\"\n"
        "home = \"\"\ncolour = 1\n[guest.\"a b\"]\nmode = \"of\"\n[group.\"a b\"]\n"
        "arrangement = \"near\"\ngroup = \"c\"\n");
    EXPECT_EQ(
        problems,
        (std::vector<std::string>{
            "f.conf:2: policy.home: unknown key",
            "f.conf:4: ceiling.priority: must be a whole number from -100 to 100",
            "f.conf:6: guest.web.nodes: must be a list of nodes like \"0-1,3\"",
            "f.conf:7: guest.web.home: must be one node for all cells, or one for each: \"0\", "
            "\"1,0\"",
            "f.conf:8: guest.web.colour: unknown key",
            "f.conf:10: guest.\"a b\".mode: must be one of \"off\", \"observe\", \"advise\", "
            "\"act\"",
            "f.conf:11: group.\"a b\": the name of a group must be up to 64 letters, digits, "
            "'.', '_' and '-'",
            "f.conf:12: group.\"a b\".arrangement: must be one of \"none\", \"together\", "
            "\"apart\"",
            "f.conf:13: group.\"a b\".group: unknown key"}));
}

TEST(Config, VnumadAsAWholeIsNeverOff) {
    EXPECT_EQ(problems_of("mode = \"off\"").size(), 1U);
}

TEST(Config, NoFaultsAreInducedUnlessItActs) {
    const auto of = [](const char* text) { return tracking_settings(parse_config(text, "f")); };
    EXPECT_TRUE(of("mode = \"act\"").may_disturb);
    EXPECT_FALSE(of("mode = \"advise\"").may_disturb);
    EXPECT_FALSE(of("mode = \"observe\"").may_disturb);
}

TEST(Config, NothingIsTrackedInModeObserve) {
    const auto of = [](const std::string& text) {
        return tracking_settings(parse_config(text, "f"));
    };
    for (const char* heat : {"auto", "damon", "idle-page", "soft-dirty", "dirty-rate"}) {
        const std::string tracking = std::string("tracking.heat = \"") + heat + "\"\n";
        EXPECT_EQ(of("mode = \"observe\"\n" + tracking).heat, HeatChoice::none) << heat;
        EXPECT_NE(of("mode = \"advise\"\n" + tracking).heat, HeatChoice::none) << heat;
    }
    EXPECT_FALSE(of("mode = \"observe\"").attribution);
    EXPECT_EQ(of("mode = \"observe\"").disabled_reason,
              "vnumad only observes (mode), and tracking writes to the kernel");
}

TEST(Config, ThereAreNoScansWhenTicksAreRare) {
    const auto of = [](const char* text) { return tracking_settings(parse_config(text, "f")); };
    EXPECT_EQ(of("interval = \"10s\"").heat, HeatChoice::automatic);
    EXPECT_EQ(of("interval = \"11s\"").heat, HeatChoice::none);
    EXPECT_FALSE(of("interval = \"11s\"").attribution);
    EXPECT_EQ(of("interval = \"10s\"").disabled_reason, "");
    EXPECT_EQ(of("interval = \"11s\"").disabled_reason,
              "a scan begins and ends with a tick, and the interval is longer than 10000 ms");
}

TEST(Config, AScanIsAsLongAsTwoIntervalsWithinLimits) {
    const auto of = [](const char* text) {
        return tracking_settings(parse_config(text, "f")).scan_time.count();
    };
    EXPECT_EQ(of("interval = \"3s\""), 6000);
    EXPECT_EQ(of("interval = \"100ms\""), 4000);
    EXPECT_EQ(of("interval = \"5min\""), 10'000);
}

TEST(Config, TheShortestPeriodMustNotBeLongerThanTheLongest) {
    const auto problems = problems_of("mode = \"act\"\n[tracking]\nmin_period = \"2min\"\n");
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(
        problems[0],
        "f.conf:3: tracking.min_period: must not be longer than max_period, which is 60000ms");
}

TEST(Config, TheConfigurationItPrintsCanBeRead) {
    Config config;
    config.planner.margin = 333;
    config.qmp_dir = "/run/q";
    config.tracking.heat = HeatChoice::idle_page;
    config.tracking.overhead_permille = 7;
    config.libvirt.uri = "qemu+unix:///system?socket=/a \"b\"";
    EXPECT_EQ(to_toml(parse_config(to_toml(config), "f.conf")), to_toml(config));
}

TEST(Config, NamesAllProblemsAtOnceWithFileLineAndKey) {
    const auto problems =
        problems_of("mode = \"acto\"\ncolour = 1\n[planner]\nmargin = 2\nspeed = 1\n");
    ASSERT_EQ(problems.size(), 4U);
    EXPECT_EQ(problems[0], "f.conf:1: mode: must be one of \"observe\", \"advise\", \"act\"");
    EXPECT_EQ(problems[1], "f.conf:2: colour: unknown key");
    EXPECT_EQ(problems[2],
              "f.conf:4: planner.margin: must be a number from 0 to below 1, like 0.125");
    EXPECT_EQ(problems[3], "f.conf:5: planner.speed: unknown key");
}

TEST(Config, GuestsAreFoundWhoeverTellsOfThemUnlessOneSourceIsChosen) {
    EXPECT_EQ(parse_config("", "f.conf").source, SourceChoice::automatic);
    EXPECT_EQ(parse_config("source = \"libvirt\"", "f.conf").source, SourceChoice::libvirt);
    EXPECT_EQ(parse_config("source = \"proc\"", "f.conf").source, SourceChoice::proc);
}

TEST(Config, TheQmpSourceNeedsItsDirectory) {
    const auto problems = problems_of("source = \"qmp\"\n");
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(problems[0], "f.conf:1: source: \"qmp\" needs the key qmp_dir too");
}

TEST(Config, LibvirtCannotPinTheGuestsOfTheQmpSource) {
    const auto problems =
        problems_of("source = \"qmp\"\nqmp_dir = \"/run/q\"\npin = \"libvirt\"\n");
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(problems[0],
              "f.conf:3: pin: must be \"affinity\" with source = \"qmp\": libvirt does not know "
              "these guests");
    EXPECT_EQ(problems_of("source = \"proc\"\npin = \"libvirt\"\n"),
              (std::vector<std::string>{"f.conf:2: pin: must be \"affinity\" with source = "
                                        "\"proc\": libvirt does not know these guests"}));
    EXPECT_TRUE(parse_config("pin = \"libvirt\"", "f.conf").pin_by_libvirt);
}

// libvirt-guests would save them into images, and the journal ends with the host's boot.
TEST(Config, PinsByLibvirtAreNotKept) {
    const auto problems = problems_of("pin = \"libvirt\"\non_stop = \"keep\"\n");
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(
        problems[0],
        "f.conf:2: on_stop: must be \"restore\" with pin = \"libvirt\": libvirt saves its pins "
        "with guests when the host shuts down, and after that nobody knows that they are "
        "vnumad's");
    EXPECT_TRUE(problems_of("pin = \"affinity\"\non_stop = \"keep\"\n").empty());
}

TEST(Config, RefusesWrongTypesUnitsAndRanges) {
    for (const char* text : {"interval = 2",
                             "interval = \"2 weeks\"",
                             "interval = \"-2s\"",
                             "interval = \"1ms\"",
                             "interval = \"99999999999999h\"",
                             "interval = \"-9223372036854775808h\"",
                             "[planner]\nmargin = 0.9996",
                             "on_stop = \"undo\"",
                             "mode = 1",
                             "libvirt = 3",
                             "[libvirt]\nuri = \"\"",
                             "[memory]\nrate = \"0M\"",
                             "[memory]\nwatermark = 1",
                             "qmp_pattern = \"*.qmp\"",
                             "qmp_pattern = []",
                             "qmp_pattern = [1]",
                             "qmp_pattern = [\"\"]",
                             "[memory]\nwatermark = nan",
                             "[memory]\nrate = \"2T\"",
                             "[planner]\nhorizon = \"s\""})
        EXPECT_EQ(problems_of(text).size(), 1U) << text;
}

TEST(Config, RefusesBadPolicies) {
    for (const char* text :
         {"guest = 3", "[guest]\nweb = 3", "[group]\nmode = \"act\"", "[policy]\npriority = 1.5",
          "[policy]\nnodes = 0", "[policy]\nnodes = \"0-1024\"", "[ceiling]\ngroup = \"a\"",
          "[planner]\nimbalance = 10"})
        EXPECT_EQ(problems_of(text).size(), 1U) << text;
}

TEST(Config, ABrokenFileSaysWhere) {
    const auto problems = problems_of("mode = \"act\"\n[planner\n");
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_TRUE(problems[0].starts_with("f.conf:2: ")) << problems[0];
}

}  // namespace
}  // namespace vnuma
