#include "src/metrics/metrics.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/src/metrics/sample_metrics.hpp"

namespace vnuma {
namespace {

using test::sample_metrics;

bool has_line(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(Metrics, AreInBaseUnitsWithTheLabelsOfLibvirtsExporters) {
    const std::string text = to_text(sample_metrics());
    for (const char* line :
         {"vnumad_info{version=\"0.1.0\",mode=\"act\"} 1", "vnumad_guests{doing=\"moving\"} 1",
          "vnumad_last_tick_timestamp_seconds 1700000000.5", "vnumad_cpu_seconds_total 1.25",
          "vnumad_node_capacity_cpus{node=\"4\"} 2",
          "vnumad_node_huge_available_bytes{node=\"0\",page=\"2097152\"} 67108864",
          "vnumad_domain_info{domain=\"web\",uuid=\"u1\",doing=\"moving\",mode=\"act\",state="
          "\"running\",source=\"libvirt\"} 1",
          "vnumad_domain_use_cpus{domain=\"web\",uuid=\"u1\"} 1.5",
          "vnumad_domain_locality_ratio{domain=\"web\",uuid=\"u1\"} 0.75",
          "vnumad_domain_moved_bytes_total{domain=\"web\",uuid=\"u1\"} 5242880",
          "vnumad_domain_home_changes_total{domain=\"web\",uuid=\"u1\"} 1",
          "vnumad_domain_failures_total{domain=\"web\",uuid=\"u1\"} 1",
          "vnumad_cell_home_node{domain=\"web\",uuid=\"u1\",cell=\"0\"} 4",
          "vnumad_cell_memory_bytes{domain=\"web\",uuid=\"u1\",cell=\"0\",node=\"4\"} 110100480",
          "vnumad_vcpu_node{domain=\"web\",uuid=\"u1\",vcpu=\"0\"} 4",
          "vnumad_rival{name=\"numad\",handling=\"yield\"} 1"})
        EXPECT_TRUE(has_line(text, line)) << line << "\nis missing in\n" << text;
}

TEST(Metrics, HaveNamesAndHelpOfTheirOwn) {
    std::set<std::string> names;
    for (const auto& family : sample_metrics()) {
        EXPECT_TRUE(names.insert(family.name).second) << family.name;
        EXPECT_TRUE(family.name.starts_with("vnumad_")) << family.name;
        EXPECT_TRUE(family.help.ends_with(".")) << family.name << ": " << family.help;
        EXPECT_EQ(family.name.ends_with("_total"), family.type == prometheus::MetricType::Counter)
            << family.name;
    }
}

TEST(Metrics, OfATickThatIsBlindAreThoseOfVnumad) {
    Tick tick;
    tick.blind = "libvirt does not answer";
    Totals totals;
    totals.update(tick);
    const std::string text = to_text(make_metrics(tick, {}, {}, totals, {}));
    EXPECT_TRUE(has_line(text, "vnumad_blind 1")) << text;
    EXPECT_TRUE(has_line(text, "vnumad_blind_ticks_total 1")) << text;
    EXPECT_EQ(text.find("domain="), std::string::npos) << text;
}

TEST(Metrics, ReplaceWhatIsNoUtf8InNames) {
    control::GuestSummary guest = test::summary_for_metrics();
    guest.name = "w\xff\"\n";
    const std::string text =
        to_text(make_metrics(test::tick_for_metrics(), {}, {guest}, Totals(), {}));
    EXPECT_NE(text.find("domain=\"w\xef\xbf\xbd\\\"\\n\""), std::string::npos) << text;
}

TEST(Metrics, HaveNoMoreSeriesOfVcpusThanTheLimit) {
    Tick tick = test::tick_for_metrics();
    auto look = std::make_shared<Look>(*tick.look);
    auto& vcpus = look->sample.guests[0].cells[0].vcpus;
    vcpus.resize(max_vcpu_series + 10, vcpus[0]);
    tick.look = look;
    for (const auto& family : make_metrics(tick, {}, {}, Totals(), {})) {
        if (family.name != "vnumad_vcpu_node") continue;
        EXPECT_EQ(family.metric.size(), max_vcpu_series);
    }
}

TEST(Metrics, HaveNoMoreSeriesOfCellsThanTheLimit) {
    control::GuestSummary guest = test::summary_for_metrics();
    guest.cells.resize(max_cell_series + 10, guest.cells[0]);
    for (const auto& family : make_metrics(test::tick_for_metrics(), {}, {guest}, Totals(), {}))
        if (family.name == "vnumad_cell_locality_ratio" || family.name == "vnumad_cell_home_node") {
            EXPECT_EQ(family.metric.size(), max_cell_series) << family.name;
        }
}

TEST(Totals, EndWithTheirGuest) {
    Totals totals;
    Tick tick = test::tick_for_metrics();
    totals.update(tick);
    totals.update(tick);
    EXPECT_EQ(totals.ticks(), 2U);
    EXPECT_EQ(totals.of("u1").moved, 10 * mib);
    EXPECT_EQ(totals.of("u1").failures, 2U);
    EXPECT_EQ(totals.of("u1").home_changes, 1U) << "the home is the same";
    tick.plan.verdicts[0].home = Home{NodeIndex(0), 20};
    totals.update(tick);
    EXPECT_EQ(totals.of("u1").home_changes, 2U);
    tick.snapshot.guests.clear();
    tick.plan.verdicts.clear();
    tick.results.clear();
    totals.update(tick);
    EXPECT_EQ(totals.of("u1").moved, 0);
}

TEST(Totals, OutliveATickThatIsBlind) {
    Totals totals;
    totals.update(test::tick_for_metrics());
    Tick blind;
    blind.blind = "nothing is seen";
    totals.update(blind);
    EXPECT_EQ(totals.blind_ticks(), 1U);
    EXPECT_EQ(totals.of("u1").moved, 5 * mib);
}

}  // namespace
}  // namespace vnuma
