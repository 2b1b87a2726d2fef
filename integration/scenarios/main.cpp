// Runs scenarios inside a lab host: vnuma-lab run -- scenarios-NAME. When they fail after a guest
// was reset, that says nothing, and they are worth another attempt (EX_TEMPFAIL).
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
