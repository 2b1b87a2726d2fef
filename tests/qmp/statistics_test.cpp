#include "qmp/statistics.hpp"

#include <gtest/gtest.h>

#include "golden.hpp"

namespace vnuma::qmp {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

TEST(QueryStats, ReadsCountersOfTheVmAndOfEachVcpu) {
    for (const char* version : golden_versions) {
        const auto machine =
            read(query_stats(StatsTarget::vm, {}), version, "kvm", "query-stats-vm");
        ASSERT_EQ(machine.size(), 1U);
        EXPECT_EQ(machine[0].qom_path, "");
        EXPECT_EQ(machine[0].values.at("pages_4k"), std::vector<std::uint64_t>{0});
        const auto cpus =
            read(query_stats(StatsTarget::vcpu, {}), version, "kvm", "query-stats-vcpu");
        ASSERT_EQ(cpus.size(), 2U);
        EXPECT_EQ(cpus[1].qom_path, "/machine/unattached/device[0]");
        EXPECT_EQ(cpus[1].values.at("exits").size(), 1U);
        EXPECT_GT(cpus[1].values.at("exits")[0], 1000U);
        EXPECT_EQ(cpus[1].values.at("halt_wait_hist").size(), 32U);
        EXPECT_TRUE(
            read(query_stats(StatsTarget::vm, {}), version, "q35", "query-stats-vm").empty());
    }
}

TEST(QueryStats, ReadsAFlagAsZeroOrOne) {
    const json value = json::parse(R"([{"stats": [{"name": "blocking", "value": true}]}])");
    EXPECT_EQ(query_stats(StatsTarget::vm, {}).parse(value)->at(0).values.at("blocking"),
              std::vector<std::uint64_t>{1});
}

TEST(QueryStats, RequestsTheGivenNames) {
    EXPECT_EQ(query_stats(StatsTarget::vcpu, {"exits"}).arguments, json::parse(R"({"target": "vcpu",
                              "providers": [{"provider": "kvm", "names": ["exits"]}]})"));
    EXPECT_EQ(query_stats(StatsTarget::vm, {}).arguments,
              json::parse(R"({"target": "vm", "providers": [{"provider": "kvm"}]})"));
}

TEST(CalcDirtyRate, TakesItsTimeInSeconds) {
    const auto command = calc_dirty_rate(DirtyRateMode::page_sampling, 2s, 1024);
    EXPECT_EQ(command.arguments,
              json::parse(R"({"mode": "page-sampling", "calc-time": 2, "sample-pages": 1024})"));
    for (const char* version : golden_versions)
        EXPECT_TRUE(command.parse(golden(version, "pc", "calc-dirty-rate-page-sampling")));
}

TEST(QueryDirtyRate, HasARateAfterTheMeasurement) {
    for (const char* version : golden_versions) {
        EXPECT_EQ(read(query_dirty_rate(), version, "q35").status, "unstarted");
        EXPECT_EQ(read(query_dirty_rate(), version, "q35").mib_per_s, std::nullopt);
        const auto measuring =
            read(query_dirty_rate(), version, "q35", "query-dirty-rate-measuring-page-sampling");
        EXPECT_EQ(measuring.status, "measuring");
        EXPECT_EQ(measuring.mib_per_s, std::nullopt);
        const auto measured =
            read(query_dirty_rate(), version, "q35", "query-dirty-rate-page-sampling");
        EXPECT_EQ(measured.status, "measured");
        EXPECT_EQ(measured.mode, "page-sampling");
        EXPECT_EQ(measured.mib_per_s, 0U);
        EXPECT_EQ(measured.calc_time, 1s);
    }
}

TEST(QueryDirtyRate, HasTheRateOfEachVcpuWithADirtyRing) {
    for (const char* version : golden_versions) {
        const auto rate = read(query_dirty_rate(), version, "kvm", "query-dirty-rate-dirty-ring");
        EXPECT_EQ(rate.mode, "dirty-ring");
        ASSERT_EQ(rate.cpus.size(), 2U);
        EXPECT_EQ(rate.cpus[1].index, 1);
        EXPECT_EQ(rate.mib_per_s, rate.cpus[0].mib_per_s + rate.cpus[1].mib_per_s);
    }
}

TEST(QueryDirtyRate, ReadsARateOfMinusOneAsNone) {
    const json value = {{"status", "measured"}, {"dirty-rate", -1}, {"calc-time", 1}};
    ASSERT_TRUE(query_dirty_rate().parse(value));
    EXPECT_EQ(query_dirty_rate().parse(value)->mib_per_s, std::nullopt);
}

TEST(QueryDirtyRate, ReadsACalcTimeInMilliseconds) {
    const json value = {
        {"status", "measured"}, {"calc-time", 250}, {"calc-time-unit", "millisecond"}};
    EXPECT_EQ(query_dirty_rate().parse(value)->calc_time, 250ms);
}

TEST(Statistics, AnAnswerOfAnotherShapeIsRefused) {
    for (const char* text : {"null", "1", "\"x\"", "[1]", "[[]]", "[{}]", "[null]", "true"}) {
        const json value = json::parse(text);
        expect_refused(query_stats(StatsTarget::vm, {}), value);
        expect_refused(calc_dirty_rate(DirtyRateMode::dirty_ring, 1s), value);
        expect_refused(query_dirty_rate(), value);
    }
}

TEST(QueryDirtyRate, RefusesACalcTimeThatNoMeasurementHas) {
    expect_refused(query_dirty_rate(), {{"status", ""}, {"calc-time", INT64_MAX}});
}

}  // namespace
}  // namespace vnuma::qmp
