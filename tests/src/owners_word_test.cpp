// What the configuration says of guests: by UUID, by patterns of names, by control groups.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "guests/tracking/access_tracking.hpp"
#include "guests/tracking/choose_trackers.hpp"
#include "tests/src/loop.hpp"

namespace vnuma {
namespace {

using namespace test;

constexpr const char* uuid = "abcdef01-2345-4678-89ab-cdefabcdef01";

class OwnersWord : public Loop {
  protected:
    OwnersWord() {
        host->guests[uuid] = make_guest("web-1", 2, 200 * mib, 0);
        host->guests[uuid].cgroup = "/kubepods/burstable/pod7";
        host->guests["b"] = make_guest("mail", 2, 200 * mib, 1);
        host->guests["b"].cgroup = "/machine.slice/mail.scope";
    }
    Mode mode_after(const std::string& section, const std::string& of = uuid) {
        config.policy = parse_config(section + "\nmode = \"observe\"\n", "f.conf").policy;
        controller.reset();
        for (const GuestState& guest : run(1).snapshot.guests)
            if (guest.uuid == of) return guest.policy.mode;
        ADD_FAILURE() << "the guest is not in the snapshot";
        return Mode::off;
    }
};

TEST_F(OwnersWord, ASectionIsThatOfTheGuestHoweverItNamesIt) {
    for (const char* section :
         {"[guest.ABCDEF01-2345-4678-89AB-CDEFABCDEF01]",
          "[guest.abcdef012345467889abcdefabcdef01]", "[guest.web-1]", "[guest.\"web*\"]",
          "[guest.\"*-[0-9]\"]", "[cgroup.\"/kubepods/*\"]",
          "[cgroup.\"/kubepods/burstable/pod7\"]"})
        EXPECT_EQ(mode_after(section), Mode::observe) << section;
    for (const char* section :
         {"[guest.web]", "[guest.WEB-1]", "[guest.\"mail*\"]", "[cgroup.\"/machine.slice/*\"]"})
        EXPECT_EQ(mode_after(section), Mode::act) << section;
}

TEST_F(OwnersWord, WhatIsSaidOfAUuidHoldsForAllGuestsThatHaveIt) {
    const std::string copy = std::string(uuid) + "/77-1234";
    host->guests[copy] = make_guest("web-1 again", 2, 200 * mib, 0);
    EXPECT_EQ(mode_after("[guest." + std::string(uuid) + "]", copy), Mode::observe);
    EXPECT_EQ(mode_after("[guest.web-1]", copy), Mode::act);
}

TEST_F(OwnersWord, SectionsThatAreNoGuestsAreTold) {
    config.policy = parse_config(
                        "[guest.web-1]\n[guest.wbe-1]\n[guest.\"m*\"]\n"
                        "[cgroup.\"/kubepods/*\"]\n[cgroup.\"/pods/*\"]\n",
                        "f.conf")
                        .policy;
    EXPECT_EQ(run(1).unmatched_sections,
              (std::vector<std::string>{"guest.wbe-1", "cgroup./pods/*"}));
    host->guests.erase("b");
    EXPECT_EQ(run(1).unmatched_sections,
              (std::vector<std::string>{"guest.m*", "guest.wbe-1", "cgroup./pods/*"}));
}

TEST_F(OwnersWord, WhileGuestsMayBeMissingSectionsStayAsTheyWereTold) {
    using Sections = std::vector<std::string>;
    config.policy = parse_config("[guest.mail]\n[guest.wbe-1]\n", "f.conf").policy;
    const auto mail = host->guests.extract("b");
    host->list_problem = "libvirt does not answer";
    EXPECT_EQ(run(1).unmatched_sections, Sections()) << "nobody knows yet";
    EXPECT_EQ(run(1).list_problem, "libvirt does not answer");
    host->list_problem.clear();
    EXPECT_EQ(run(1).unmatched_sections, (Sections{"guest.mail", "guest.wbe-1"}));
    host->guests["b"] = mail.mapped();
    EXPECT_EQ(run(1).unmatched_sections, Sections{"guest.wbe-1"});
    host->guests.erase("b");
    host->list_problem = "libvirt does not answer";
    EXPECT_EQ(run(1).unmatched_sections, Sections{"guest.wbe-1"});
}

TEST_F(OwnersWord, OnlyMonitorsOfGuestsThatVnumadMayActOnAreAsked) {
    using Uuids = std::set<std::string>;
    host->guests["c"] = make_guest("c", 2, 64 * mib, 0);
    host->guests["b"].metadata.mode = Mode::observe;
    host->guests["c"].metadata.mode = Mode::advise;
    run(1);
    EXPECT_EQ(host->last_request.acts_on, Uuids{uuid}) << "in the first look already";
    directory.write("freeze", "");
    run(1);
    EXPECT_EQ(host->last_request.acts_on, Uuids()) << "frozen";
}

class OnlyObserving : public Loop {
  protected:
    OnlyObserving() {
        config.mode = Mode::observe;
        host->real = false;
        host->fail_affinity = [](const ThreadIdentity&) {
            ADD_FAILURE() << "a thread is pinned";
            return 0;
        };
        host->fail_move = [](int) {
            ADD_FAILURE() << "memory is moved";
            return 0;
        };
        host->fail_pin = [] {
            ADD_FAILURE() << "libvirt is asked to pin";
            return PinReply();
        };
    }
};

TEST_F(OnlyObserving, ChangesNothingWritesNothingAndAsksNoMonitor) {
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    host->guests["b"] = make_guest("beta", 2, 200 * mib, 1);
    run(5);
    EXPECT_FALSE(ticks.back().plan.actions.empty()) << "there would be something to do";
    // The kernel moves a guest's memory, and somebody pins it.
    auto& chunks = host->guests["a"].cells[0].chunk_nodes;
    std::fill(chunks.begin(), chunks.end(), 1);
    host->set_affinity_of("b", 0, {0});
    run(5);
    EXPECT_EQ(host->affinity_calls + host->move_calls + host->states_read, 0U);
    EXPECT_EQ(host->last_request.acts_on, std::set<std::string>());
    EXPECT_TRUE(ticks.back().hands_off.empty());
    EXPECT_TRUE(std::filesystem::is_empty(directory.path())) << "no journal, no hands-off guests";
}

// Nothing of it may be called but the list.
class UntouchableSource final : public GuestSource {
  public:
    const char* name() const override { return "libvirt"; }
    std::vector<ListedGuest> list() override { return {}; }
    RunState read_state(const std::string&) override { return fail(); }
    bool may_ask_monitor() const override { return true; }
    void permit_monitors(std::set<std::string>) override {}
    RamView read_ram_view(const std::string&) override {
        fail();
        return {};
    }
    bool start_write_measurement(const std::string&, std::chrono::seconds) override {
        fail();
        return false;
    }
    WriteMeasurement read_write_measurement(const std::string&) override {
        fail();
        return {};
    }
    std::size_t hung_calls() const override { return 0; }

  private:
    static RunState fail() {
        ADD_FAILURE() << "a monitor is asked";
        return RunState::unknown;
    }
};

TEST_F(OnlyObserving, ProbesForNoTrackerAndLoadsNoFaultCounter) {
    UntouchableSource source;
    for (const HeatChoice heat : {HeatChoice::automatic, HeatChoice::damon, HeatChoice::idle_page,
                                  HeatChoice::soft_dirty, HeatChoice::dirty_rate}) {
        config.tracking.heat = heat;
        const TrackingSettings settings = tracking_settings(config);
        AccessTracking tracking(settings, choose_trackers(settings, source, Roots()),
                                [](std::string&) -> std::unique_ptr<FaultCounter> {
                                    ADD_FAILURE() << "faults are counted";
                                    return nullptr;
                                });
        Sample sample;
        tracking.update(sample, {}, [] { return true; });
        EXPECT_TRUE(sample.tracking.trackers.empty()) << name(heat);
        tracking.end();
    }
}

}  // namespace
}  // namespace vnuma
