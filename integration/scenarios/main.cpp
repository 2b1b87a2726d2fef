// Runs scenarios inside a lab host: vnuma-lab run -- scenarios-NAME. The exit status is EX_TEMPFAIL
// if they fail after a guest was reset: that is the emulation's fault, and they are to be run
// again.
#include <gtest/gtest.h>

#include <sysexits.h>

#include <iostream>
#include <optional>

#include "integration/scenarios/scenario.hpp"

namespace {

std::optional<vnuma::lab::LibvirtHost> running_host;
std::optional<vnuma::lab::VnumadCalls> calls;

class NothingIsRefused final : public ::testing::EmptyTestEventListener {
    void OnTestEnd(const ::testing::TestInfo&) override {
        for (const std::string& call : calls->take_refused())
            ADD_FAILURE() << "vnumad's seccomp filter has refused " << call;
    }
};

}  // namespace

vnuma::lab::LibvirtHost& vnuma::lab::libvirt_host() {
    if (!running_host) running_host.emplace();
    return *running_host;
}

vnuma::lab::VnumadCalls& vnuma::lab::vnumad_calls() {
    return *calls;
}

int main(int argc, char** argv) {
    ::testing::InitGoogleTest(&argc, argv);
    calls.emplace();
    ::testing::UnitTest::GetInstance()->listeners().Append(new NothingIsRefused);
    const int status = RUN_ALL_TESTS();
    running_host.reset();
    // tests/summary.py compares them with those that vnumad may make.
    std::cout << "system calls of vnumad:";
    for (const std::string& call : calls->made())
        std::cout << ' ' << call;
    std::cout << '\n';
    return status != 0 && vnuma::lab::guests_reset() > 0 ? EX_TEMPFAIL : status;
}
