#include "src/config.hpp"

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
        "mode = \"observe\"\ninterval = \"500ms\"\nundo_at_stop = false\n"
        "source = \"qmp\"\nqmp_dir = \"/run/q\"\n"
        "[libvirt]\nuri = \"qemu:///session\"\npid_directory = \"/run/x\"\nmonitor = \"never\"\n"
        "[planner]\nhorizon = \"2min\"\ncool_down = \"1h\"\nmargin = 0.25\n"
        "[memory]\nrate = \"1GiB\"\ncall_time = \"20ms\"\nwatermark = 0.1\n"
        "residency = \"sampled\"\npagemap = true\n"
        "[tracking]\nheat = \"soft-dirty\"\nattribution = \"never\"\noverhead = 0.05\n"
        "longest_stall = \"1s\"\nmin_period = \"1s\"\nmax_period = \"5min\"\n[report]\nheat_map = "
        "true\n",
        "f.conf");
    EXPECT_EQ(config.mode, Mode::observe);
    EXPECT_EQ(config.interval.count(), 500);
    EXPECT_FALSE(config.undo_at_stop);
    EXPECT_EQ(config.libvirt.uri, "qemu:///session");
    EXPECT_EQ(config.libvirt.pid_directory, "/run/x");
    EXPECT_EQ(config.planner.horizon, 120'000);
    EXPECT_EQ(config.planner.cool_down, 3'600'000);
    EXPECT_EQ(config.planner.margin, 250);
    EXPECT_EQ(config.planner.pace, 1024 * mib);
    EXPECT_EQ(config.call_time.count(), 20);
    EXPECT_EQ(config.planner.watermark, 100);
    EXPECT_TRUE(config.qmp);
    EXPECT_EQ(config.qmp_dir, "/run/q");
    EXPECT_FALSE(config.libvirt.ask_monitor);
    EXPECT_EQ(config.residency, ResidencyMode::sampled);
    EXPECT_TRUE(config.pagemap);
    EXPECT_EQ(config.tracking.heat, HeatChoice::soft_dirty);
    EXPECT_FALSE(config.tracking.attribution);
    EXPECT_EQ(config.tracking.overhead_permille, 50);
    EXPECT_EQ(config.tracking.longest_stall.count(), 1000);
    EXPECT_EQ(config.tracking.period.least.count(), 1000);
    EXPECT_EQ(config.tracking.period.most.count(), 300'000);
    EXPECT_TRUE(config.tracking.heat_map);
}

TEST(Config, WhereNothingIsTouchedNoFaultsAreInduced) {
    const auto of = [](const char* text) { return tracking_settings(parse_config(text, "f")); };
    EXPECT_TRUE(of("mode = \"act\"").may_induce_faults);
    EXPECT_FALSE(of("mode = \"advise\"").may_induce_faults);
    EXPECT_FALSE(of("mode = \"observe\"").may_induce_faults);
}

TEST(Config, WhereTicksAreRareThereAreNoLooks) {
    const auto of = [](const char* text) { return tracking_settings(parse_config(text, "f")); };
    EXPECT_EQ(of("interval = \"10s\"").heat, HeatChoice::automatic);
    EXPECT_EQ(of("interval = \"11s\"").heat, HeatChoice::none);
    EXPECT_FALSE(of("interval = \"11s\"").attribution);
}

TEST(Config, ALookIsAsLongAsTwoIntervalsWithinLimits) {
    const auto of = [](const char* text) {
        return tracking_settings(parse_config(text, "f")).look_time.count();
    };
    EXPECT_EQ(of("interval = \"3s\""), 6000);
    EXPECT_EQ(of("interval = \"100ms\""), 4000);
    EXPECT_EQ(of("interval = \"5min\""), 10'000);
}

TEST(Config, PeriodsOfTrackingAreInOrder) {
    const auto problems = problems_of("mode = \"act\"\n[tracking]\nmin_period = \"2min\"\n");
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(problems[0], "f.conf:2: tracking.min_period: is longer than max_period (60000ms)");
}

TEST(Config, WhatItPrintsItCanRead) {
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
    EXPECT_EQ(problems[0], "f.conf:1: mode: wants one of \"observe\", \"advise\", \"act\"");
    EXPECT_EQ(problems[1], "f.conf:2: colour: unknown key");
    EXPECT_EQ(problems[2], "f.conf:4: planner.margin: wants a share from 0 to 1, like 0.125");
    EXPECT_EQ(problems[3], "f.conf:5: planner.speed: unknown key");
}

TEST(Config, QmpWantsItsDirectory) {
    const auto problems = problems_of("source = \"qmp\"\n");
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(problems[0], "f.conf:1: source: \"qmp\" wants qmp_dir, too");
}

TEST(Config, RefusesWrongTypesUnitsAndRanges) {
    for (const char* text :
         {"interval = 2", "interval = \"2 weeks\"", "interval = \"-2s\"", "interval = \"1ms\"",
          "interval = \"99999999999999h\"", "interval = \"-9223372036854775808h\"",
          "[planner]\nmargin = 0.9996", "undo_at_stop = \"yes\"", "mode = 1", "libvirt = 3",
          "[libvirt]\nuri = \"\"", "[memory]\nrate = \"0M\"", "[memory]\nwatermark = 1",
          "[memory]\nwatermark = nan", "[planner]\nhorizon = \"s\""})
        EXPECT_EQ(problems_of(text).size(), 1U) << text;
}

TEST(Config, ABrokenFileSaysWhere) {
    const auto problems = problems_of("mode = \"act\"\n[planner\n");
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_TRUE(problems[0].starts_with("f.conf:2: ")) << problems[0];
}

TEST(Config, AFileThatIsNotThereIsNamed) {
    EXPECT_THROW(load_config("/no/such/file.conf"), ConfigError);
    EXPECT_THROW(load_config("/"), ConfigError) << "a directory";
    EXPECT_NO_THROW(load_config("/dev/null"));
}

}  // namespace
}  // namespace vnuma
