// simulate-baselines [SEEDS]: prints a table that compares vnumad with other balancers on the same
// traces.
#include <cstdlib>
#include <iomanip>
#include <iostream>

#include "tests/simulator/comparison.hpp"

namespace {

using namespace vnuma;
using namespace vnuma::simulator;

constexpr unsigned default_seeds = 5, max_seeds = 1000;
constexpr double hour = 3'600'000, gib = 1024.0 * mib;

void print(const std::vector<Row>& rows) {
    std::cout << "| trace | balancer | remote accesses | moved | home changes per guest-hour | "
                 "contention |\n| --- | --- | --- | --- | --- | --- |\n"
              << std::fixed;
    for (const Row& row : rows) {
        const Figures& figures = row.figures;
        std::cout << "| " << row.trace << " | " << row.balancer << " | " << std::setprecision(2)
                  << 100 * remote_share(figures) << " % | " << std::setprecision(0)
                  << static_cast<double>(figures.moved) / gib << " GiB | " << std::setprecision(2)
                  << static_cast<double>(figures.home_changes) /
                         (static_cast<double>(figures.guest_time) / hour)
                  << " | " << static_cast<double>(figures.contention) / 1000 / hour
                  << " CPU hours |\n";
    }
}

}  // namespace

int main(int argc, char** argv) {
    const unsigned long seeds = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : default_seeds;
    if (argc > 2 || seeds == 0 || seeds > max_seeds) {
        std::cerr << "usage: simulate-baselines [SEEDS], up to " << max_seeds << '\n';
        return 2;
    }
    print(compare(static_cast<unsigned>(seeds)));
    return 0;
}
