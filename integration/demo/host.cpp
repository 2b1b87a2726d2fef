// The part of the demo that runs inside the lab host: two guests with memory on the wrong nodes,
// and vnumad. It prints lines of JSON for vnuma-demo: {"progress": "..."} and vnumad's reports.
#include <iostream>
#include <stdexcept>

#include "integration/demo/picture.hpp"
#include "integration/host/daemon.hpp"
#include "integration/host/guest.hpp"
#include "integration/host/libvirt_host.hpp"
#include "integration/host/process.hpp"

namespace {

using namespace vnuma::lab;
using nlohmann::json;

constexpr std::chrono::seconds balance_limit{240};

void report_progress(const std::string& what) {
    std::cout << json{{"progress", what}}.dump() << std::endl;
}

void run() {
    report_progress("starting libvirtd");
    const LibvirtHost host;
    // The two vCPUs of a guest allocate their buffers on different nodes, as may happen when a
    // guest starts on a busy host.
    report_progress("starting guest alpha (2 vCPUs, 512 MiB, KVM)");
    const Guest alpha(host, {"alpha", {{2, 512}}, {0, 1}, 150});
    report_progress("starting guest beta (2 vCPUs, 512 MiB, KVM)");
    const Guest beta(host, {"beta", {{2, 512}}, {1, 0}, 150});

    report_progress("starting vnumad");
    // In emulation a page that moves interrupts all CPUs, so that guests wait; with the default of
    // memory.felt, 1 %, moves would pause until the guests are idle.
    Daemon vnumad("mode = \"act\"\ninterval = \"1s\"\n[memory]\nrate = \"64M\"\nfelt = 0.5\n");
    const json last = vnumad.wait_for(
        [](const json& report) {
            std::cout << report.dump() << std::endl;
            return all_home(report);
        },
        balance_limit);
    if (last.is_null())
        throw std::runtime_error("the guests did not come home within " +
                                 std::to_string(balance_limit.count()) + " s:\n" + vnumad.output());
}

}  // namespace

int main() {
    try {
        run();
        return 0;
    } catch (const std::exception& error) {
        std::cerr << error.what() << "\n";
        return 1;
    }
}
