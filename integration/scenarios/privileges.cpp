// Scenarios about what vnumad may do on a host, and whether that is enough: on a host with two
// nodes of two CPUs each. docs/security.md has the capabilities.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <sstream>
#include <vector>

#include "integration/demo/picture.hpp"
#include "integration/host/direct_guest.hpp"
#include "integration/host/files.hpp"
#include "integration/host/process.hpp"
#include "integration/scenarios/scenario.hpp"

namespace vnuma::lab {
namespace {

using nlohmann::json;

constexpr uid_t another_user = 64055;

// Bits of /proc/PID/status, by their numbers in linux/capability.h.
constexpr std::uint64_t dac_override = 1 << 1, dac_read_search = 1 << 2, sys_ptrace = 1 << 19,
                        sys_admin = 1 << 21, sys_nice = 1 << 23, perfmon = 1ULL << 38,
                        bpf = 1ULL << 39;
constexpr std::uint64_t to_look = sys_ptrace | dac_read_search;
constexpr std::uint64_t to_act_on_all = to_look | sys_nice | dac_override | bpf | perfmon;

std::string status_field(const std::filesystem::path& directory, const std::string& name) {
    std::istringstream status(read_text(directory / "status"));
    for (std::string line; std::getline(status, line);)
        if (line.starts_with(name + ":\t")) return line.substr(name.size() + 2);
    return "";
}

std::uint64_t capabilities(const std::filesystem::path& directory, const std::string& set) {
    return std::stoull("0" + status_field(directory, set), nullptr, 16);
}

// Whoever is not root cannot change the bounding set.
void expect_capabilities(const Daemon& vnumad, std::uint64_t expected, bool as_root = true) {
    const std::filesystem::path process = "/proc/" + std::to_string(vnumad.pid());
    for (const char* set : {"CapEff", "CapPrm"})
        EXPECT_EQ(capabilities(process, set), expected) << set;
    if (as_root) {
        EXPECT_EQ(capabilities(process, "CapBnd"), expected);
    }
    for (const pid_t thread : tasks_of(vnumad.pid())) {
        const auto directory = process / "task" / std::to_string(thread);
        EXPECT_EQ(capabilities(directory, "CapPrm") & ~expected, 0U) << "thread " << thread;
        for (const char* set : {"CapInh", "CapAmb"})
            EXPECT_EQ(capabilities(directory, set), 0U) << set << " of thread " << thread;
        EXPECT_EQ(status_field(directory, "NoNewPrivs"), "1") << "thread " << thread;
        EXPECT_EQ(status_field(directory, "Seccomp"), "2") << "thread " << thread;
    }
}

bool is_report(const json& report) {
    return report.is_object();
}

struct Configuration {
    const char* name;
    const char* text;
    std::uint64_t capabilities;
};

class Capabilities : public ::testing::TestWithParam<Configuration> {};

TEST_P(Capabilities, AreThoseThatTheConfigurationNeeds) {
    std::filesystem::create_directories("/run/lab/qmp");
    Daemon vnumad(GetParam().text);
    ASSERT_FALSE(vnumad.wait_for(is_report, settle_limit).is_null()) << vnumad.output();
    expect_capabilities(vnumad, GetParam().capabilities);
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
}

INSTANTIATE_TEST_SUITE_P(
    Of, Capabilities,
    ::testing::Values(Configuration{"Observing", "mode = \"observe\"\n", to_look},
                      Configuration{"AdvisingByHeat", "mode = \"advise\"\n", to_look | sys_nice},
                      Configuration{"Acting", "mode = \"act\"\n", to_act_on_all},
                      Configuration{
                          "Monitors",
                          "mode = \"act\"\ntracking.attribution = \"never\"\nsource = \"qmp\"\n"
                          "qmp_dir = \"/run/lab/qmp\"\n",
                          to_look | sys_nice | dac_override},
                      Configuration{"PageFrames", "mode = \"observe\"\nmemory.pagemap = true\n",
                                    to_look | sys_admin}),
    [](const auto& info) { return info.param.name; });

// Its QEMU runs as another user than vnumad, and its memory starts on both nodes.
class GuestOfAnotherUser : public ::testing::Test {
  protected:
    void expect_home(Daemon& vnumad) {
        ASSERT_FALSE(vnumad.wait_for(all_home, settle_limit).is_null()) << vnumad.output();
        EXPECT_GE(home_of(placement_of(guest)), 0) << vnumad.output();
    }
    void expect_undone_by_stop(Daemon& vnumad) {
        EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
        EXPECT_EQ(affinities_of(guest), before);
        EXPECT_TRUE(guest.is_at_work());
    }

    DirectGuest guest{{"foreign", {{2, 384}}, {0, 1}, 100}, {.user = another_user}};
    const std::map<pid_t, std::vector<int>> before = affinities_of(guest);
};

TEST_F(GuestOfAnotherUser, ComesHome) {
    Daemon vnumad(std::string(acting) + qmp_config);
    expect_home(vnumad);
    expect_capabilities(vnumad, to_act_on_all);
    expect_undone_by_stop(vnumad);
}

TEST_F(GuestOfAnotherUser, ComesHomeWithAVnumadThatIsNotRoot) {
    constexpr uid_t user = 1234;
    const std::string directory = "/run/lab/state-of-a-user", id = std::to_string(user),
                      capabilities =
                          "-all,+sys_nice,+sys_ptrace,+dac_read_search,+dac_override,+bpf,+perfmon";
    std::filesystem::create_directories(directory);
    ASSERT_EQ(::chown(directory.c_str(), user, user), 0);
    Daemon vnumad(std::string(acting) + "state_directory = \"" + directory + "\"\n" + qmp_config,
                  {"setpriv", "--reuid", id, "--regid", id, "--clear-groups", "--inh-caps",
                   capabilities, "--ambient-caps", capabilities});
    expect_home(vnumad);
    expect_capabilities(vnumad, to_act_on_all, false);
    expect_undone_by_stop(vnumad);
}

// libvirt's client runs a program for such a URI.
class ProgramOfAUri : public ::testing::Test {
  protected:
    std::string config(bool seccomp) const {
        return std::string(observing) +
               "source = \"libvirt\"\nseccomp = " + (seccomp ? "true" : "false") +
               "\nlibvirt.uri = \"qemu+ext:///system?command=" + program + "\"\n";
    }
    void SetUp() override {
        std::filesystem::create_directories("/run/lab");
        std::filesystem::remove(started);
        write_text(program, std::string("#!/bin/sh\ntouch ") + started + "\n");
        std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    }
    static bool is_blind(const json& report) { return report.contains("blind"); }

    const std::string program = "/run/lab/program-of-a-uri", started = "/run/lab/started";
};

TEST_F(ProgramOfAUri, IsNotStartedAndTheKernelsLogNamesTheCall) {
    Daemon vnumad(config(true));
    const json report = vnumad.wait_for(is_blind, settle_limit);
    ASSERT_FALSE(report.is_null()) << vnumad.output();
    EXPECT_NE(report["blind"].get<std::string>().find("Operation not permitted"), std::string::npos)
        << report["blind"];
    std::vector<std::string> refused;
    const auto named = [&] {
        const std::vector<std::string> more = vnumad_calls().take_refused();
        refused.insert(refused.end(), more.begin(), more.end());
        return !more.empty();
    };
    EXPECT_TRUE(wait_until(named, settle_limit));
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    EXPECT_FALSE(std::filesystem::exists(started));
    EXPECT_TRUE(wait_until([&] { return !named(); }, settle_limit)) << "later attempts";
    for (const std::string& call : refused)
        EXPECT_EQ(call, "clone");
}

TEST_F(ProgramOfAUri, IsStartedWithoutTheFilter) {
    Daemon vnumad(config(false));
    EXPECT_TRUE(wait_until([&] { return std::filesystem::exists(started); }, settle_limit))
        << vnumad.output();
    EXPECT_EQ(status_field("/proc/" + std::to_string(vnumad.pid()), "Seccomp"), "0");
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
}

}  // namespace
}  // namespace vnuma::lab
