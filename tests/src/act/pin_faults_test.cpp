// What becomes of a guest's pins when calls fail, or the journal cannot be written: a table. Either
// all vCPUs of a cell are pinned or none is, the reason is told, and it is made up for later.
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "tests/src/loop.hpp"

namespace vnuma {
namespace {

using namespace test;

struct Fault {
    const char* name;
    void (*begin)(FakeHost&, const std::filesystem::path& state_directory);
    const char* error;                 // a part of it; nullptr: there is none
    std::vector<int> pinned{};         // vCPUs, while the fault lasts
    std::vector<int> owners_choice{};  // of vCPU 1, if its owner makes one
};

std::ostream& operator<<(std::ostream& out, const Fault& fault) {
    return out << fault.name;
}

std::filesystem::path away_from(const std::filesystem::path& directory) {
    return directory.string() + ".away";
}

template <int error, std::size_t call>
void fail_call(FakeHost& host, const std::filesystem::path&) {
    host.fail_affinity = [&host](const auto&) { return host.affinity_calls == call ? error : 0; };
}

const Fault faults[]{
    {"EPERM", fail_call<EPERM, 1>, "vCPU 0: sched_setaffinity: Operation not permitted"},
    {"EPERMOfTheLast", fail_call<EPERM, 2>, "vCPU 1: sched_setaffinity: Operation not permitted"},
    {"EINVAL", fail_call<EINVAL, 1>, "vCPU 0: sched_setaffinity: Invalid argument"},
    {"EINVALOfTheLast", fail_call<EINVAL, 2>, "vCPU 1: sched_setaffinity: Invalid argument"},
    {"ESRCH", fail_call<ESRCH, 1>, nullptr, {1}},  // that thread has just ended
    {"EMFILE", fail_call<EMFILE, 1>, "vCPU 0: sched_setaffinity: Too many open files"},
    {"CpusThatCannotBeRead",
     [](FakeHost& host, const std::filesystem::path&) { host.why_unreadable = EMFILE; },
     "the CPUs of vCPU 0 cannot be read"},
    {"TheOwnerPinsMeanwhile",
     [](FakeHost& host, const std::filesystem::path&) {
         host.fail_affinity = [&host](const auto&) {
             if (host.affinity_calls == 1) host.set_affinity_of("a", 1, {2});
             return 0;
         };
     },
     "someone has just changed the CPUs of vCPU 1",
     {},
     {2}},
    {"TheStateDirectoryIsGone",
     [](FakeHost&, const std::filesystem::path& directory) {
         std::filesystem::rename(directory, away_from(directory));
     },
     "nothing is changed, because the journal cannot be written: "},
    // As on a full file system, a write takes a part and then fails.
    {"TheStateDirectoryIsFull",
     [](FakeHost&, const std::filesystem::path&) {
         std::signal(SIGXFSZ, SIG_IGN);
         rlimit limit{};
         ::getrlimit(RLIMIT_FSIZE, &limit);
         limit.rlim_cur = 200;
         ::setrlimit(RLIMIT_FSIZE, &limit);
     },
     "nothing is changed, because the journal cannot be written: "},
};

class PinFaultTest : public Loop, public ::testing::WithParamInterface<Fault> {
  protected:
    PinFaultTest() { host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0); }
    ~PinFaultTest() override { end_fault(); }

    void end_fault() {
        host->fail_affinity = [](const auto&) { return 0; };
        host->why_unreadable = 0;
        if (std::filesystem::exists(away_from(state)))
            std::filesystem::rename(away_from(state), state);
        rlimit limit{};
        ::getrlimit(RLIMIT_FSIZE, &limit);
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_FSIZE, &limit);
        std::signal(SIGXFSZ, SIG_DFL);
    }
    const std::filesystem::path state =
        std::filesystem::path(directory.path("journal")).parent_path();
    const std::string& error() const { return ticks.back().results.at(0).error; }
};

TEST_P(PinFaultTest, PinsAllOrNothingTellsWhyAndIsMadeUpFor) {
    const Fault& fault = GetParam();
    const std::vector<int> all = host->affinity_of("a", 0);
    const std::vector<int>& owners = fault.owners_choice.empty() ? all : fault.owners_choice;
    host->affinity_of("a", 1);
    run(1);
    fault.begin(*host, state);
    run(1);
    end_fault();
    if (fault.error)
        EXPECT_NE(error().find(fault.error), std::string::npos) << error();
    else
        EXPECT_EQ(error(), "");
    for (const int vcpu : {0, 1}) {
        const bool pinned = std::count(fault.pinned.begin(), fault.pinned.end(), vcpu) > 0;
        EXPECT_EQ(host->affinity_of("a", vcpu), pinned      ? host->host.cpus[0]
                                                : vcpu == 1 ? owners
                                                            : all)
            << vcpu;
    }
    EXPECT_TRUE(reaches(Reason::settled, "a"));
    EXPECT_EQ(host->affinity_of("a", 0), host->host.cpus[0]);
    controller->undo_pins();
    EXPECT_EQ(host->affinity_of("a", 0), all);
    EXPECT_EQ(host->affinity_of("a", 1), owners);
    EXPECT_TRUE(journal.entries().empty());
}

INSTANTIATE_TEST_SUITE_P(AllFaults, PinFaultTest, ::testing::ValuesIn(faults),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace vnuma
