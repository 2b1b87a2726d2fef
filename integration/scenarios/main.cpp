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

}  // namespace

vnuma::lab::LibvirtHost& vnuma::lab::libvirt_host() {
    if (!running_host) running_host.emplace();
    return *running_host;
}

int main(int argc, char** argv) {
    ::testing::InitGoogleTest(&argc, argv);
    const int status = RUN_ALL_TESTS();
    running_host.reset();
    return status != 0 && vnuma::lab::guests_reset() > 0 ? EX_TEMPFAIL : status;
}
