// A table of a guest wider than a node, balanced by nobody, by the kernel's NUMA balancing, by
// vnumad, by both, and by the kernel with pins after its counts of faults, in a lab host with two
// nodes of two CPUs:
//   vnuma-lab run --timeout 2400 -- wide-table [nobody] [kernel] [vnumad] [both] [counts] [LOAD...]
// LOAD is the name of a load, such as "a buffer each, 60 %". The default is all balancers and
// loads.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "integration/host/process.hpp"
#include "integration/host/transparent_huge_pages.hpp"
#include "integration/scenarios/pin_by_fault_counts.hpp"
#include "integration/scenarios/wide_guest.hpp"

namespace {

using namespace vnuma::lab;

constexpr std::chrono::seconds watched{30};

struct Balancer {
    const char* name;
    bool vnumad = false, kernel = false, counts = false;
};
const WideLoad loads[] = {low_loads[0], low_loads[1], low_loads[2], private_buffers,
                          shared_in_pairs};
constexpr Balancer balancers[] = {{"nobody"},
                                  {"kernel", false, true},
                                  {"vnumad", true},
                                  {"both", true, true},
                                  {"counts", false, false, true}};

std::string name_of(const WideLoad& load) {
    return std::string(load.name) + ", " + std::to_string(load.duty_percent) + " %";
}

std::string name_of(const Balancer& balancer) {
    return balancer.name;
}

// The elements of `all` that are named in `words`; all of them if none is named.
template <typename Named, std::size_t count>
std::vector<Named> named_in(const std::set<std::string>& words, const Named (&all)[count]) {
    std::vector<Named> named;
    for (const Named& each : all)
        if (words.contains(name_of(each))) named.push_back(each);
    return named.empty() ? std::vector<Named>(std::begin(all), std::end(all)) : named;
}

void print_row(const WideLoad& load, const Balancer& balancer) {
    DirectGuest guest(misplaced_wide("wide"));
    const AccessLocality access(guest, locate_windows(guest, load));
    const double before = access.local_share();
    const auto kernel = balancer.kernel ? std::make_unique<KernelNumaBalancing>() : nullptr;
    // A node has enough CPU time for all vCPUs with a low duty, and otherwise for half of them.
    const int vcpus = static_cast<int>(load.buffer_owners.size());
    const int most = load.duty_percent <= low_duty_percent ? vcpus : vcpus / 2;
    const auto counts = balancer.counts ? std::make_unique<PinByFaultCounts>(guest, most) : nullptr;
    const auto vnumad = balancer.vnumad ? std::make_unique<Daemon>(wide_config()) : nullptr;
    if (vnumad) wait_for_first_report(*vnumad, "wide");
    const WideCourse course = watch(access, watched);
    char time[16] = "never";
    if (course.local_from >= 0) std::snprintf(time, sizeof(time), "%.1f s", course.local_from);
    std::printf("| %s | %s | %.2f | %s | %.2f | %.2f | %lld | %lld |\n", name_of(load).c_str(),
                balancer.name, before, time, course.after_15s, course.least_later,
                static_cast<long long>(course.pages_moved) / 256,
                static_cast<long long>(course.pages_moved_later) / 256);
    std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    const std::set<std::string> words(argv + 1, argv + argc);
    try {
        for (const std::string& word : words) {
            const auto is_it = [&](const auto& each) { return name_of(each) == word; };
            if (std::none_of(std::begin(loads), std::end(loads), is_it) &&
                std::none_of(std::begin(balancers), std::end(balancers), is_it))
                throw std::runtime_error("\"" + word + "\" is neither a load nor a balancer");
        }
        const TransparentHugePages pages("always");
        // The first start reads the program from a slow disk, which the table is not to measure.
        run_program({vnumad_program(), "--version"}, "/run/lab/vnumad-version.log");
        std::printf(
            "Share of a wide guest's accesses that are local, by page and vCPU. All memory starts "
            "on node 1. Times count from vnumad's first report of the guest, or from the start of "
            "the "
            "kernel's balancing.\n\n| load, busy | balanced by | before | 0.95 from then on | "
            "after "
            "15 "
            "s | least of the next 15 s | MiB moved | of these after 15 s |\n"
            "| --- | --- | --- | --- | --- | --- | --- | --- |\n");
        for (const WideLoad& load : named_in(words, loads))
            for (const Balancer& balancer : named_in(words, balancers))
                print_row(load, balancer);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "wide-table: " << error.what() << "\n";
        return 1;
    }
}
