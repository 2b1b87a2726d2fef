// Scenarios about vnumactl and the control socket, on a host with two nodes of two CPUs each. The
// guests have no kernel, so that many commands can be tried in a short time.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>

#include "integration/host/files.hpp"
#include "integration/host/process.hpp"
#include "integration/host/small_vmm.hpp"
#include "integration/host/vnumactl.hpp"
#include "integration/scenarios/found_guests.hpp"
#include "integration/scenarios/ordered_move.hpp"
#include "integration/scenarios/scenario.hpp"

namespace vnuma::lab {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

const std::string directory = "/run/lab/history";
const std::string history = directory + "/history.sqlite";

std::string asked(const std::string& more = "") {
    return std::string(acting) + "planner.cool_down = \"1s\"\nhistory.file = \"" + history +
           "\"\n" + more;
}

class Control : public ::testing::Test {
  protected:
    ~Control() override {
        std::filesystem::remove(freeze_file);
        std::filesystem::remove("/run/vnumad/policy.toml");
        std::filesystem::remove_all(hands_off_directory);
        std::filesystem::remove_all(directory);
    }

    // The name that vnumad has given the guest.
    std::string name() const {
        for (const json& one : vnumactl({"list", "--json"}).json())
            if (one.value("pid", -1) == guest.pid()) return one["name"];
        return "";
    }
    bool comes_to(int node) const {
        return wait_until([&] { return home_of(placement_of(guest)) == node; }, settle_limit);
    }
    // Waits until the control socket answers, with the guest at home, and returns its home.
    int wait_for_home() const {
        expect_eventually([&] { return vnumactl({"status"}).status == 0; });
        expect_eventually([&] { return home_of(placement_of(guest)) >= 0; });
        return home_of(placement_of(guest));
    }
    template <typename Condition>
    static void expect_eventually(Condition condition) {
        EXPECT_TRUE(wait_until(condition, settle_limit));
    }

    const SmallVmm guest{"asked-about", 2, 129};
};

TEST_F(Control, TellsOfGuestsHostAndHistoryInWordsAndAsJson) {
    Daemon vnumad(asked("metrics.listen = \"/run/lab/metrics.sock\"\n"));
    const int home = wait_for_home();
    ASSERT_GE(home, 0) << vnumad.output();
    EXPECT_TRUE(let_pass(vnumad, 2));
    const std::string guest_name = name();
    ASSERT_NE(guest_name, "") << vnumactl({"list"}).output;

    const json status = vnumactl({"status", "--json"}).json();
    EXPECT_EQ(status["mode"], "act") << status;
    EXPECT_EQ(status["guests"]["at_home"], 1) << status;
    EXPECT_EQ(status["nodes"].size(), 2U) << status;
    EXPECT_NE(vnumactl({"list"}).output.find(guest_name), std::string::npos);
    for (const std::string& way : {guest_name, std::to_string(guest.pid())}) {
        const json shown = vnumactl({"show", way, "--json"}).json();
        EXPECT_EQ(field(shown, "/summary/pid"), guest.pid()) << shown;
    }
    const Answer why = vnumactl({"explain", guest_name, "--since", "1h"});
    EXPECT_EQ(why.status, 0) << why.output;
    EXPECT_NE(why.output.find("at home on node " + std::to_string(home)), std::string::npos)
        << why.output;
    std::cout << vnumactl({"status"}).output << vnumactl({"list"}).output << why.output;

    const json events = vnumactl({"events", "--since", "1h", "--json"}).json();
    EXPECT_NE(events.dump().find("GUEST_CAME"), std::string::npos) << events;
    EXPECT_NE(events.dump().find("HOME_CHANGED"), std::string::npos) << events;
    const Answer metrics = vnumactl({"metrics"});
    EXPECT_NE(metrics.output.find("vnumad_cell_home_node{"), std::string::npos) << metrics.output;
    const Answer placed = vnumactl({"place", "--vcpus", "1", "--memory", "64M", "--xml"});
    EXPECT_EQ(placed.status, 0) << placed.output;
    EXPECT_NE(placed.output.find("<numatune>"), std::string::npos) << placed.output;

    const Answer unknown = vnumactl({"show", guest_name + "x"});
    EXPECT_EQ(unknown.status, 1);
    EXPECT_NE(unknown.output.find(guest_name), std::string::npos) << unknown.output;
    EXPECT_EQ(vnumactl({"shwo"}).status, 2);
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    const Answer nobody = vnumactl({"status"});
    EXPECT_EQ(nobody.status, 1);
    EXPECT_NE(nobody.output.find("systemctl start vnumad"), std::string::npos) << nobody.output;
}

TEST_F(Control, MovesAGuestOnceByHand) {
    Daemon vnumad(asked());
    const int home = wait_for_home(), other = 1 - home;
    const std::string guest_name = name();
    const Answer moved = vnumactl({"move", guest_name, std::to_string(other), "--force"});
    EXPECT_EQ(moved.status, 0) << moved.output;
    EXPECT_TRUE(comes_to(other)) << vnumad.output();
    EXPECT_TRUE(let_pass(vnumad, 3));
    EXPECT_EQ(home_of(placement_of(guest)), other) << "it stays there";
    const Answer nowhere = vnumactl({"move", guest_name, "7", "--force"});
    EXPECT_EQ(nowhere.status, 1) << nowhere.output;
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
}

TEST_F(Control, FreezesWithinATenthOfASecondAndThaws) {
    Daemon vnumad(asked("memory.rate = \"10M\"\n"));
    ASSERT_TRUE(begin_move_of_process(vnumad, guest.pid())) << vnumad.output();
    const auto begin = steady_clock::now();
    const Answer frozen = vnumactl({"freeze"});
    const auto took = steady_clock::now() - begin;
    EXPECT_EQ(frozen.status, 0) << frozen.output;
    EXPECT_TRUE(std::filesystem::exists(freeze_file));
    std::cout << "vnumactl freeze took " << std::chrono::duration_cast<milliseconds>(took).count()
              << " ms in emulation\n";
    EXPECT_TRUE(let_pass(vnumad, 1));
    const auto there = placement_of(guest).memory_bytes;
    EXPECT_TRUE(let_pass(vnumad, 2));
    EXPECT_EQ(placement_of(guest).memory_bytes, there);
    EXPECT_NE(vnumactl({"status"}).output.find("frozen"), std::string::npos);
    EXPECT_EQ(vnumactl({"thaw"}).status, 0);
    EXPECT_GE(wait_for_home(), 0);
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
}

TEST_F(Control, SetsThePolicyOfAGuestForATimeAndTakesItBack) {
    Daemon vnumad(asked());
    const int home = wait_for_home(), other = 1 - home;
    const std::string guest_name = name();
    const Answer set =
        vnumactl({"policy", "set", guest_name, "home=" + std::to_string(other), "--until", "1h"});
    EXPECT_EQ(set.status, 0) << set.output;
    EXPECT_TRUE(comes_to(other)) << vnumad.output();
    const Answer got = vnumactl({"policy", "get", guest_name});
    EXPECT_NE(got.output.find("run-time"), std::string::npos) << got.output;
    EXPECT_EQ(vnumactl({"policy", "set", guest_name, "mode=observe"}).status, 1)
        << "it has another end";
    EXPECT_EQ(vnumactl({"policy", "unset", guest_name}).status, 0);
    EXPECT_EQ(vnumactl({"policy", "set", guest_name, "mode=never"}).status, 1);
    EXPECT_EQ(vnumactl({"policy", "get", guest_name}).output.find("run-time"), std::string::npos);
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
}

TEST_F(Control, RestoresAGuestAndLeavesItAloneFromThenOn) {
    const auto before = affinities_of(guest);
    Daemon vnumad(asked());
    wait_for_home();
    const std::string guest_name = name();
    const Answer restored = vnumactl({"restore", guest_name});
    EXPECT_EQ(restored.status, 0) << restored.output;
    const auto given_back = [&] {
        for (const auto& [vcpu, thread] : guest.vcpu_threads())
            if (affinity_of(thread) != before.at(thread)) return false;
        return true;
    };
    EXPECT_TRUE(wait_until(given_back, settle_limit)) << vnumad.output();
    EXPECT_TRUE(let_pass(vnumad, 3));
    expect_affinities(guest, before);
    EXPECT_NE(vnumactl({"explain", guest_name}).output.find("left alone"), std::string::npos)
        << vnumactl({"explain", guest_name}).output;
    const Answer thawed = vnumactl({"thaw", guest_name});
    EXPECT_EQ(thawed.status, 0) << thawed.output;
    EXPECT_GE(wait_for_home(), 0) << "it is balanced again: " << vnumad.output();

    const auto pinned = affinities_of(guest);
    EXPECT_EQ(vnumactl({"freeze", guest_name}).status, 0);
    const auto is_left_alone = [&] {
        return vnumactl({"explain", guest_name}).output.find("left alone") != std::string::npos;
    };
    EXPECT_TRUE(wait_until(is_left_alone, settle_limit)) << vnumad.output();
    EXPECT_TRUE(let_pass(vnumad, 2));
    expect_affinities(guest, pinned);
    EXPECT_EQ(vnumactl({"thaw", guest_name}).status, 0);
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    expect_affinities(guest, before);
}

TEST_F(Control, WritesFilesOfPlansPlotsAndMetrics) {
    Daemon vnumad(asked());
    EXPECT_GE(wait_for_home(), 0) << vnumad.output();
    const std::string guest_name = name();
    const std::string plans = directory + "/plans.jsonl", page = directory + "/page.html",
                      metrics = directory + "/vnumad.prom";
    const Answer recorded = vnumactl({"record", plans, "--for", "20s"});
    EXPECT_EQ(recorded.status, 0) << recorded.output;
    const Answer again = vnumactl({"replay", plans});
    EXPECT_EQ(again.status, 0) << again.output;
    EXPECT_NE(again.output.find(" 0 different"), std::string::npos) << again.output;
    const Answer without = vnumactl({"whatif", plans, "--without", guest_name});
    EXPECT_EQ(without.status, 0) << without.output;
    for (const std::vector<std::string>& source :
         {std::vector{plans}, std::vector<std::string>()}) {
        std::vector<std::string> plot{"plot", "--output", page};
        plot.insert(plot.end(), source.begin(), source.end());
        const Answer plotted = vnumactl(plot);
        EXPECT_EQ(plotted.status, 0) << plotted.output;
        EXPECT_NE(read_text(page).find(guest_name), std::string::npos) << plotted.output;
        std::filesystem::remove(page);
    }
    EXPECT_EQ(vnumactl({"metrics", "--output", metrics}).status, 0);
    EXPECT_NE(read_text(metrics).find("vnumad_info{"), std::string::npos) << read_text(metrics);
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
}

TEST_F(Control, RemembersOverARestartEvenIfItWasKilled) {
    {
        Daemon vnumad(asked());
        wait_for_home();
        // The history is written once a minute, and at the end.
        EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    }
    Daemon vnumad(asked());
    wait_for_home();
    const json past = vnumactl({"events", "--since", "1h", "--json"}).json();
    int came = 0;
    for (const json& event : past.at("events"))
        if (event.dump().find("GUEST_CAME") != std::string::npos) ++came;
    EXPECT_EQ(came, 2) << past;
    ASSERT_EQ(::kill(vnumad.pid(), SIGKILL), 0);
    ASSERT_EQ(vnumad.wait_for_end(settle_limit), 128 + SIGKILL);
    Daemon next(asked());
    expect_eventually([&] { return vnumactl({"status"}).status == 0; });
    EXPECT_NE(vnumactl({"events", "--since", "1h", "--json"}).output.find("GUEST_CAME"),
              std::string::npos);
    EXPECT_EQ(next.stop(), 0) << next.output();
}

}  // namespace
}  // namespace vnuma::lab
