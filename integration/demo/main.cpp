// The demo, which runs in a lab host with two NUMA nodes: the memory of two guests is on the wrong
// nodes, vnumad brings them home, and vnumactl explains why one of them is where it is. With
// --shell a shell follows, while guests and vnumad still run.
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <string>

#include "integration/demo/picture.hpp"
#include "integration/demo/screen.hpp"
#include "integration/host/daemon.hpp"
#include "integration/host/guest.hpp"
#include "integration/host/libvirt_host.hpp"
#include "integration/host/process.hpp"
#include "integration/host/vnumactl.hpp"

namespace {

using namespace vnuma::lab;
using nlohmann::json;

constexpr std::chrono::seconds balance_limit{240};

// The shell and the line above it have `vnumactl`, as on a host where it is installed.
void find_programs_of_the_build() {
    const char* path = std::getenv("PATH");
    const std::string directory = std::filesystem::path(vnumactl_program()).parent_path();
    ::setenv("PATH", (directory + ":" + (path ? path : "/usr/bin:/bin")).c_str(), 1);
}

void explain(const std::string& guest) {
    std::cout << "\n$ vnumactl explain " << guest << std::endl;
    if (run_program({"vnumactl", "explain", guest}) != 0)
        throw std::runtime_error("vnumactl could not explain " + guest);
}

void run(bool opens_shell) {
    Screen screen(::isatty(STDOUT_FILENO) != 0);
    screen.say("starting libvirtd");
    const LibvirtHost host;
    // The two vCPUs of a guest allocate their buffers on different nodes, as may happen when a
    // guest starts on a busy host.
    screen.say("starting guest alpha (2 vCPUs, 512 MiB, KVM)");
    const Guest alpha(host, {"alpha", {{2, 512}}, {0, 1}, 150});
    screen.say("starting guest beta (2 vCPUs, 512 MiB, KVM)");
    const Guest beta(host, {"beta", {{2, 512}}, {1, 0}, 150});

    screen.say("starting vnumad");
    // In emulation a page that moves interrupts all CPUs, so that guests wait; with the default of
    // memory.felt, 1 %, moves would pause until the guests are idle.
    Daemon vnumad("mode = \"act\"\ninterval = \"1s\"\n[memory]\nrate = \"64M\"\nfelt = 0.5\n");
    const json last = vnumad.wait_for(
        [&](const json& report) {
            screen.show(report);
            return all_home(report);
        },
        balance_limit);
    if (last.is_null())
        throw std::runtime_error("the guests did not come home within " +
                                 std::to_string(balance_limit.count()) + " s:\n" + vnumad.output());
    screen.sum_up();
    find_programs_of_the_build();
    explain("alpha");
    if (!opens_shell) {
        std::cout << "\nTo look around in this host, with both guests, vnumad and vnumactl:\n"
                     "    ./bootstrap demo --shell\n";
        return;
    }
    std::cout << std::endl;
    run_program({"bash", "--rcfile", VNUMA_DEMO_BASHRC, "-i"});
    // The host ends with this program. The reader may have ended any of what runs in it, and need
    // not wait for the rest to end in order.
    std::_Exit(EXIT_SUCCESS);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        run(argc > 1 && std::string(argv[1]) == "--shell");
        return EXIT_SUCCESS;
    } catch (const std::exception& error) {
        std::cerr << "vnuma-demo: " << error.what() << "\n";
        return EXIT_FAILURE;
    }
}
