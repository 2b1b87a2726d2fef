// The names of all metrics, each on a line. With --text, what Prometheus gets of a host with one
// guest. For checks by other programs.
#include <iostream>
#include <string_view>

#include "src/metrics/metrics.hpp"
#include "tests/src/metrics/sample_metrics.hpp"

int main(int argc, char** argv) {
    const auto families = vnuma::test::sample_metrics();
    if (argc > 1 && std::string_view(argv[1]) == "--text") {
        std::cout << vnuma::to_text(families);
        return 0;
    }
    for (const auto& family : families)
        std::cout << family.name << "\n";
}
