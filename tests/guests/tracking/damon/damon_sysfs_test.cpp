#include "guests/tracking/damon/damon_sysfs.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

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

std::string what_is_thrown(const std::function<void()>& action) {
    try {
        action();
    } catch (const TrackingError& error) {
        return error.what();
    }
    return "nothing";
}

TEST(DamonFiles, AKernelWithoutDamonIsToldSo) {
    const TemporaryDirectory sysfs;
    std::string why_not;
    EXPECT_FALSE(open_damon_files(sysfs.path(), why_not));
    EXPECT_EQ(why_not, "this kernel has no DAMON (CONFIG_DAMON_SYSFS)");
}

// As a user who is not root; true if the files could not be opened for that.
bool is_refused_to_nobody(const std::string& sysfs) {
    constexpr uid_t nobody = 65534;
    const pid_t child = ::fork();
    if (child == 0) {
        std::string why_not;
        const bool opened = (::geteuid() != 0 || ::setuid(nobody) == 0) &&
                            open_damon_files(sysfs, why_not) != nullptr;
        ::_exit(!opened && why_not.find("root or CAP_DAC_OVERRIDE") != std::string::npos ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    return status == 0;
}

TEST(DamonFiles, WithoutPermissionTheCapabilityIsNamed) {
    using std::filesystem::perms;
    const TemporaryDirectory sysfs;
    sysfs.write(below + "nr_kdamonds", "0\n");
    std::filesystem::permissions(sysfs.path(),
                                 perms::owner_all | perms::group_exec | perms::others_exec);
    std::filesystem::permissions(sysfs.path(below + "nr_kdamonds"), perms::owner_read);
    EXPECT_TRUE(is_refused_to_nobody(sysfs.path()));
}

TEST(DamonFiles, AreForOneAtATime) {
    const TemporaryDirectory sysfs;
    sysfs.write(below + "nr_kdamonds", "0\n");
    std::string why_not;
    auto first = open_damon_files(sysfs.path(), why_not);
    ASSERT_TRUE(first) << why_not;
    EXPECT_FALSE(open_damon_files(sysfs.path(), why_not));
    EXPECT_EQ(why_not, "another vnumad uses DAMON");
    first.reset();
    EXPECT_TRUE(open_damon_files(sysfs.path(), why_not));
}

class DamonTreeOfFiles : public testing::Test {
  protected:
    void write(const std::string& file, const std::string& text) {
        sysfs_.write(below + file, text);
    }
    DamonTree tree() {
        std::string why_not;
        if (!files_) {
            write("nr_kdamonds", "1\n");
            files_ = open_damon_files(sysfs_.path(), why_not);
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

TEST_F(DamonTreeOfFiles, RegionsAreRead) {
    write(tried + "total_bytes", "12288\n");
    write_region("0", "4096", "8192", "3");
    write_region("1", "8192", "18446744073709551615", "4294967295");
    std::vector<DamonRegion> regions = tree().regions(0, DamonPlan());
    std::sort(regions.begin(), regions.end(),
              [](const auto& a, const auto& b) { return a.start < b.start; });
    ASSERT_EQ(regions.size(), 2U);
    EXPECT_EQ(regions[0].start, 4096U);
    EXPECT_EQ(regions[0].end, 8192U);
    EXPECT_EQ(regions[0].accesses, 3U);
    EXPECT_EQ(regions[1].accesses, 4294967295U);
}

TEST_F(DamonTreeOfFiles, OfRegionsThatAreAsGivenOnlyTheAccessesAreRead) {
    DamonPlan plan;
    plan.regions = {{4096, 8192}, {12288, 20480}};
    plan.bytes = 12288;
    write(tried + "total_bytes", "12288\n");
    write_region("0", "0", "4096", "3");  // not looked at
    write_region("1", "12288", "20480", "5");
    EXPECT_EQ(tree().regions(0, plan),
              (std::vector<DamonRegion>{{4096, 8192, 3}, {12288, 20480, 5}}));
    write(tried + "1/nr_accesses", "many\n");
    EXPECT_EQ(tree().regions(0, plan), (std::vector<DamonRegion>{{4096, 8192, 3}}));
}

TEST_F(DamonTreeOfFiles, RegionsThatAreNotAsGivenAreReadAsTheyAre) {
    DamonPlan plan;
    plan.regions = {{4096, 8192}};
    plan.bytes = 4096;
    const std::vector<DamonRegion> as_told{{0, 4096, 3}};
    write_region("0", "0", "4096", "3");
    EXPECT_EQ(tree().regions(0, plan), as_told) << "no total";
    write(tried + "total_bytes", "4096\n");
    EXPECT_EQ(tree().regions(0, plan), as_told) << "elsewhere";
    plan.regions = {{0, 2048}, {2048, 4096}};
    EXPECT_EQ(tree().regions(0, plan), as_told) << "fewer";
    plan.regions = {{0, 8192}};
    plan.bytes = 8192;
    EXPECT_EQ(tree().regions(0, plan), as_told) << "less";
    plan.bytes = 4096;
    plan.adapts = true;
    EXPECT_EQ(tree().regions(0, plan), as_told) << "adapted";
}

TEST_F(DamonTreeOfFiles, WhatIsNoRegionIsPassedOver) {
    write_region("0", "-1", "8192", "3");
    write_region("1", "4096", "18446744073709551616", "3");
    write_region("2", "4096", "8192", "");
    write_region("3", "4096", "8192", "3 or so");
    write_region("4", "8192", "4096", "3");
    write_region("x", "4096", "8192", "3");
    write(tried + "5/start", "4096\n");
    EXPECT_TRUE(tree().regions(0, DamonPlan()).empty());
}

TEST_F(DamonTreeOfFiles, ErrorsNameFileAndReason) {
    DamonTree tree = this->tree();
    EXPECT_EQ(what_is_thrown([&] { tree.set("0/state", "on"); }),
              "DAMON: cannot write on to kdamonds/0/state: No such file or directory");
    write("nr_kdamonds", "many\n");
    EXPECT_EQ(what_is_thrown([&] { tree.number("nr_kdamonds"); }),
              "DAMON: kdamonds/nr_kdamonds is no number: many");
}

// A real one (Linux 6.12, a lab host): each file after a line "=== NAME". The process that had made
// it was killed during its second look, with kdamond 1; kdamond 0 has told of 24 MiB, of which the
// first third was touched all the time, and the last pages came and went.
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
    std::string why_not;
};

TEST_F(RecordedKdamonds, AreUnderstood) {
    const auto files = open_damon_files(sysfs.path(), why_not);
    ASSERT_TRUE(files) << why_not;
    DamonTree tree(*files);
    EXPECT_FALSE(tree.is_on(0));
    EXPECT_TRUE(tree.is_on(1));
    std::vector<DamonRegion> regions = tree.regions(0, DamonPlan());
    std::sort(regions.begin(), regions.end(),
              [](const auto& a, const auto& b) { return a.start < b.start; });
    ASSERT_EQ(regions.size(), 12U);
    for (std::size_t i = 0; i < regions.size(); ++i) {
        EXPECT_EQ(regions[i].start, regions[0].start + i * chunk_bytes);
        EXPECT_EQ(regions[i].end, regions[i].start + chunk_bytes);
        EXPECT_EQ(regions[i].accesses, i < 4 ? 12U : 0U) << i;
    }
}

TEST_F(RecordedKdamonds, AreTakenAwayAsWhatAKilledOneHasLeft) {
    EXPECT_TRUE(probe_damon(sysfs.path(), std::chrono::seconds(1), why_not)) << why_not;
    EXPECT_EQ(text_of("nr_kdamonds"), "0");
    EXPECT_EQ(text_of("1/state"), "off");
}

TEST_F(RecordedKdamonds, WithAnotherMarkAreSomeoneElses) {
    sysfs.write(below + "0/contexts/0/monitoring_attrs/intervals/update_us", "60000000\n");
    EXPECT_FALSE(probe_damon(sysfs.path(), std::chrono::seconds(1), why_not));
    EXPECT_EQ(why_not, "DAMON is in use: 8 kdamonds of someone else are there");
    EXPECT_EQ(text_of("nr_kdamonds"), "8");
    EXPECT_EQ(text_of("1/state"), "on");
}

class DamonTreeOfAFake : public testing::Test {
  protected:
    void SetUp() override {
        fake.by_another("nr_kdamonds", "1");
        fake.by_another("0/contexts/nr_contexts", "1");
        tree.prepare(0);
    }
    static DamonPlan plan(std::uint64_t chunks) {
        return plan_scan({{base, chunks * chunk_bytes}}, std::chrono::milliseconds(1'300), {},
                         false);
    }
    FakeDamon fake;
    DamonTree tree{fake};
};

TEST_F(DamonTreeOfAFake, ALookIsConfiguredAsPlanned) {
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

TEST_F(DamonTreeOfAFake, RegionsThatAreThereAreNotWrittenAgain) {
    tree.configure(0, 1234, plan(200), {});
    fake.written.clear();
    tree.configure(0, 1234, plan(200), plan(200).regions);
    EXPECT_LT(fake.written.size(), 10U);
}

TEST_F(DamonTreeOfAFake, NoMoreThanSoManyRegionsAreRead) {
    fake.tell = [](const auto&) {
        return std::vector<DamonRegion>(max_regions_told + 10, {4096, 8192, 1});
    };
    tree.configure(0, 1234, plan(2), {});
    tree.turn_on(0);
    tree.update(0);
    EXPECT_EQ(tree.regions(0, DamonPlan()).size(), max_regions_told);
}

TEST_F(DamonTreeOfAFake, GivesWayToVcpus) {
    tree.turn_on(0);
    EXPECT_EQ(fake.niceness, (std::map<pid_t, int>{{4711, kdamond_nice}}));
}

TEST_F(DamonTreeOfAFake, IsTriedAgainWhileItIsBusyButNotForEver) {
    fake.busy = max_busy_tries - 1;
    tree.turn_on(0);
    EXPECT_EQ(fake.paused, max_busy_tries - 1);
    fake.busy = 10 * max_busy_tries;
    EXPECT_EQ(what_is_thrown([&] { tree.turn_on(0); }).substr(0, 13), "DAMON is busy");
}

TEST_F(DamonTreeOfAFake, WhatIsOffNeedNotBeTurnedOff) {
    fake.written.clear();
    tree.turn_off(0);
    EXPECT_TRUE(fake.written.empty());
}

TEST_F(DamonTreeOfAFake, AnOlderKernelTellsAfterCompleteCountsOnly) {
    EXPECT_TRUE(tree.tells_between_counts(0));
    FakeDamon older;
    older.has_apply_interval = false;
    older.by_another("nr_kdamonds", "1");
    older.by_another("0/contexts/nr_contexts", "1");
    DamonTree old_tree(older);
    old_tree.prepare(0);
    EXPECT_FALSE(old_tree.tells_between_counts(0));
    old_tree.configure(0, 1234, plan(2), {});
}

TEST_F(DamonTreeOfAFake, AKernelWithoutVirtualAddressesIsToldSo) {
    fake.files["0/contexts/0/avail_operations"] = "paddr";
    EXPECT_EQ(what_is_thrown([&] { tree.prepare(0); }),
              "this kernel's DAMON knows no virtual addresses (CONFIG_DAMON_VADDR)");
}

}  // namespace
}  // namespace vnuma
