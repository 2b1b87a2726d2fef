#include "guests/tracking/damon/damon_sysfs.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "guests/memory/chunk_residency.hpp"
#include "guests/tracking/damon/damon_tracker.hpp"
#include "tests/guests/tracking/damon/fake_damon.hpp"
#include "tests/temporary.hpp"

namespace vnuma {
namespace {

using test::FakeDamon;
using test::TemporaryDirectory;

constexpr std::uint64_t base = 0x7f0000000000;
const std::string below = "kernel/mm/damon/admin/kdamonds/";
const std::string tried = "0/contexts/0/schemes/0/tried_regions/";

std::string error_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const TrackingError& error) {
        return error.what();
    }
    return "none";
}

class DamonTreeOfFiles : public testing::Test {
  protected:
    void write(const std::string& file, const std::string& text) {
        sysfs_.write(below + file, text);
    }
    DamonTree tree() {
        std::string error;
        if (!files_) {
            write("nr_kdamonds", "1\n");
            files_ = open_damon_files(sysfs_.path(), error);
        }
        return DamonTree(*files_);
    }
    void write_region(const std::string& name, const std::string& start, const std::string& end,
                      const std::string& accesses) {
        write(tried + name + "/start", start + "\n");
        write(tried + name + "/end", end + "\n");
        write(tried + name + "/nr_accesses", accesses + "\n");
    }

  private:
    TemporaryDirectory sysfs_;
    std::unique_ptr<DamonFiles> files_;
};

TEST_F(DamonTreeOfFiles, ReadsRegions) {
    write(tried + "total_bytes", "12288\n");
    write_region("0", "4096", "8192", "3");
    write_region("1", "8192", "18446744073709551615", "4294967295");
    std::vector<DamonRegion> regions = tree().read_regions(0, DamonPlan());
    std::sort(regions.begin(), regions.end(),
              [](const auto& a, const auto& b) { return a.start < b.start; });
    ASSERT_EQ(regions.size(), 2U);
    EXPECT_EQ(regions[0].start, 4096U);
    EXPECT_EQ(regions[0].end, 8192U);
    EXPECT_EQ(regions[0].accesses, 3U);
    EXPECT_EQ(regions[1].accesses, 4294967295U);
}

TEST_F(DamonTreeOfFiles, ReadsOnlyTheAccessesOfRegionsThatAreAsPlanned) {
    DamonPlan plan;
    plan.regions = {{4096, 8192}, {12288, 20480}};
    plan.bytes = 12288;
    write(tried + "total_bytes", "12288\n");
    write_region("0", "0", "4096", "3");  // the addresses are not read
    write_region("1", "12288", "20480", "5");
    EXPECT_EQ(tree().read_regions(0, plan),
              (std::vector<DamonRegion>{{4096, 8192, 3}, {12288, 20480, 5}}));
    write(tried + "1/nr_accesses", "many\n");
    EXPECT_EQ(tree().read_regions(0, plan), (std::vector<DamonRegion>{{4096, 8192, 3}}));
}

TEST_F(DamonTreeOfFiles, ReadsRegionsThatAreNotAsPlannedInFull) {
    DamonPlan plan;
    plan.regions = {{4096, 8192}};
    plan.bytes = 4096;
    const std::vector<DamonRegion> as_reported{{0, 4096, 3}};
    write_region("0", "0", "4096", "3");
    EXPECT_EQ(tree().read_regions(0, plan), as_reported) << "without a total size";
    write(tried + "total_bytes", "4096\n");
    EXPECT_EQ(tree().read_regions(0, plan), as_reported) << "with another address";
    plan.regions = {{0, 2048}, {2048, 4096}};
    EXPECT_EQ(tree().read_regions(0, plan), as_reported) << "with fewer regions";
    plan.regions = {{0, 8192}};
    plan.bytes = 8192;
    EXPECT_EQ(tree().read_regions(0, plan), as_reported) << "with fewer bytes";
    plan.bytes = 4096;
    plan.adapts = true;
    EXPECT_EQ(tree().read_regions(0, plan), as_reported) << "after DAMON has adapted them";
}

TEST_F(DamonTreeOfFiles, SkipsInvalidRegions) {
    write_region("0", "-1", "8192", "3");
    write_region("1", "4096", "18446744073709551616", "3");
    write_region("2", "4096", "8192", "");
    write_region("3", "4096", "8192", "3 or so");
    write_region("4", "8192", "4096", "3");
    write_region("x", "4096", "8192", "3");
    write(tried + "5/start", "4096\n");
    EXPECT_TRUE(tree().read_regions(0, DamonPlan()).empty());
}

TEST_F(DamonTreeOfFiles, ErrorsNameTheFileAndTheReason) {
    DamonTree tree = this->tree();
    EXPECT_EQ(error_of([&] { tree.set("0/state", "on"); }),
              "DAMON: cannot write on to kdamonds/0/state: No such file or directory");
    write("nr_kdamonds", "many\n");
    EXPECT_EQ(error_of([&] { tree.get_number("nr_kdamonds"); }),
              "DAMON: kdamonds/nr_kdamonds must hold a number, but holds \"many\"");
}

// Unpacks a recording of a real tree (Linux 6.12 in a lab host), in which each file follows a line
// "=== NAME". The vnumad that created the kdamonds was killed during its second scan, which used
// kdamond 1. Kdamond 0 has reported 24 MiB, of which the first third was accessed all the time, and
// the last pages were mapped and unmapped.
void unpack_recorded_kdamonds(const TemporaryDirectory& sysfs) {
    std::ifstream recorded(std::string(VNUMA_GOLDEN) + "/lab-damon/kdamonds.txt");
    std::string name, text;
    for (std::string line; std::getline(recorded, line);) {
        if (!line.starts_with("=== ")) {
            text += line + "\n";
            continue;
        }
        if (!name.empty()) sysfs.write(below + name, text);
        name = line.substr(4);
        text.clear();
    }
    sysfs.write(below + name, text);
}

class RecordedKdamonds : public testing::Test {
  protected:
    void SetUp() override { unpack_recorded_kdamonds(sysfs); }
    std::string text_of(const std::string& file) const {
        std::string text;
        std::ifstream(sysfs.path(below + file)) >> text;
        return text;
    }
    TemporaryDirectory sysfs;
    std::string error;
};

TEST_F(RecordedKdamonds, AreRead) {
    const auto files = open_damon_files(sysfs.path(), error);
    ASSERT_TRUE(files) << error;
    DamonTree tree(*files);
    EXPECT_FALSE(tree.is_on(0));
    EXPECT_TRUE(tree.is_on(1));
    std::vector<DamonRegion> regions = tree.read_regions(0, DamonPlan());
    std::sort(regions.begin(), regions.end(),
              [](const auto& a, const auto& b) { return a.start < b.start; });
    ASSERT_EQ(regions.size(), 12U);
    for (std::size_t i = 0; i < regions.size(); ++i) {
        EXPECT_EQ(regions[i].start, regions[0].start + i * chunk_bytes);
        EXPECT_EQ(regions[i].end, regions[i].start + chunk_bytes);
        EXPECT_EQ(regions[i].accesses, i < 4 ? 12U : 0U) << i;
    }
}

TEST_F(RecordedKdamonds, AreRemovedAsLeftByAKilledVnumad) {
    EXPECT_TRUE(probe_damon(sysfs.path(), std::chrono::seconds(1), error)) << error;
    EXPECT_EQ(text_of("nr_kdamonds"), "0");
    EXPECT_EQ(text_of("1/state"), "off");
}

TEST_F(RecordedKdamonds, WithAnotherMarkBelongToAnotherProgram) {
    sysfs.write(below + "0/contexts/0/monitoring_attrs/intervals/update_us", "60000000\n");
    EXPECT_FALSE(probe_damon(sysfs.path(), std::chrono::seconds(1), error));
    EXPECT_EQ(error, "DAMON is in use: another program has set nr_kdamonds to 8");
    EXPECT_EQ(text_of("nr_kdamonds"), "8");
    EXPECT_EQ(text_of("1/state"), "on");
}

class DamonTreeOfAFake : public testing::Test {
  protected:
    void SetUp() override {
        fake.write_as_other_program("nr_kdamonds", "1");
        fake.write_as_other_program("0/contexts/nr_contexts", "1");
        tree.prepare(0);
    }
    static DamonPlan plan(std::uint64_t chunks) {
        return plan_scan({{base, chunks * chunk_bytes}}, std::chrono::milliseconds(1'300), {},
                         false);
    }
    FakeDamon fake;
    DamonTree tree{fake};
};

TEST_F(DamonTreeOfAFake, ConfiguresAScanAsPlanned) {
    tree.configure(0, 1234, plan(2), {});
    const std::string context = "0/contexts/0/";
    EXPECT_EQ(fake.files[context + "operations"], "fvaddr");
    EXPECT_EQ(fake.files[context + "monitoring_attrs/intervals/sample_us"], "100000");
    EXPECT_EQ(fake.files[context + "monitoring_attrs/intervals/aggr_us"], "1200000");
    EXPECT_EQ(fake.files[context + "monitoring_attrs/nr_regions/min"], "3");
    EXPECT_EQ(fake.files[context + "targets/0/pid_target"], "1234");
    EXPECT_EQ(fake.files[context + "targets/0/regions/nr_regions"], "2");
    EXPECT_EQ(fake.files[context + "targets/0/regions/1/start"],
              std::to_string(base + chunk_bytes));
    EXPECT_EQ(fake.files[context + "schemes/0/action"], "stat");
    EXPECT_EQ(fake.files[context + "schemes/0/access_pattern/sz/max"], "18446744073709551615");
    EXPECT_EQ(fake.files[context + "schemes/0/apply_interval_us"], "100000");
    EXPECT_FALSE(fake.is_on(0));
}

TEST_F(DamonTreeOfAFake, DoesNotWriteTheSameRegionsAgain) {
    tree.configure(0, 1234, plan(200), {});
    fake.written.clear();
    tree.configure(0, 1234, plan(200), plan(200).regions);
    EXPECT_LT(fake.written.size(), 10U);
}

TEST_F(DamonTreeOfAFake, ReadsALimitedNumberOfRegions) {
    fake.report = [](const auto&) {
        return std::vector<DamonRegion>(max_regions_read + 10, {4096, 8192, 1});
    };
    tree.configure(0, 1234, plan(2), {});
    tree.turn_on(0);
    tree.update_regions(0);
    EXPECT_EQ(tree.read_regions(0, DamonPlan()).size(), max_regions_read);
}

TEST_F(DamonTreeOfAFake, TurnsKdamondsOnWithALowPriority) {
    tree.turn_on(0);
    EXPECT_EQ(fake.niceness, (std::map<pid_t, int>{{4711, kdamond_nice}}));
}

TEST_F(DamonTreeOfAFake, TriesABusyFileAgainALimitedNumberOfTimes) {
    fake.busy = max_busy_tries - 1;
    tree.turn_on(0);
    EXPECT_EQ(fake.paused, max_busy_tries - 1);
    fake.busy = 10 * max_busy_tries;
    EXPECT_EQ(error_of([&] { tree.turn_on(0); }).substr(0, 13), "DAMON is busy");
}

TEST_F(DamonTreeOfAFake, DoesNotTurnOffAKdamondThatIsOff) {
    fake.written.clear();
    tree.turn_off(0);
    EXPECT_TRUE(fake.written.empty());
}

TEST_F(DamonTreeOfAFake, AKernelBefore67HasNoApplyInterval) {
    EXPECT_TRUE(tree.has_apply_interval(0));
    FakeDamon older;
    older.has_apply_interval = false;
    older.write_as_other_program("nr_kdamonds", "1");
    older.write_as_other_program("0/contexts/nr_contexts", "1");
    DamonTree old_tree(older);
    old_tree.prepare(0);
    EXPECT_FALSE(old_tree.has_apply_interval(0));
    old_tree.configure(0, 1234, plan(2), {});
}

TEST_F(DamonTreeOfAFake, AKernelWithoutFixedVirtualRangesIsAnError) {
    fake.files["0/contexts/0/avail_operations"] = "paddr";
    EXPECT_EQ(
        error_of([&] { tree.prepare(0); }),
        "this kernel's DAMON does not support fixed virtual address ranges (CONFIG_DAMON_VADDR)");
}

}  // namespace
}  // namespace vnuma
