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
std::optional<vnuma::lab::RefusedCalls> refused;

class NothingIsRefused final : public ::testing::EmptyTestEventListener {
    void OnTestEnd(const ::testing::TestInfo&) override {
        for (const std::string& call : refused->take())
            ADD_FAILURE() << "vnumad's seccomp filter has refused " << call;
    }
};

}  // namespace

vnuma::lab::LibvirtHost& vnuma::lab::libvirt_host() {
    if (!running_host) running_host.emplace();
    return *running_host;
}

vnuma::lab::RefusedCalls& vnuma::lab::refused_calls() {
    return *refused;
}

int main(int argc, char** argv) {
    ::testing::InitGoogleTest(&argc, argv);
    refused.emplace();
    ::testing::UnitTest::GetInstance()->listeners().Append(new NothingIsRefused);
    const int status = RUN_ALL_TESTS();
    running_host.reset();
    return status != 0 && vnuma::lab::guests_reset() > 0 ? EX_TEMPFAIL : status;
}
