// Tables about access tracking, in a lab host with two nodes of two CPUs:
//   tracking-tables accuracy [OVERHEAD [ROWS]]
//   tracking-tables overhead [OVERHEAD [PHASES [SECONDS [GUEST]]]]
//   tracking-tables scans [OVERHEAD [SECONDS [GUEST]]]
//   tracking-tables state       what vnumad has in the kernel, before, during and after kill -9
// OVERHEAD is vnumad's budget for tracking, as a share of the guest's CPU time (default 0.01). ROWS
// selects the rows whose pages, guest and pattern contain this text, such as "2 MiB, wide, 30 %"
// (default all). PHASES is the number of phases with tracking and of those without (default 6),
// each of this many SECONDS (default 10). GUEST is thin or wide (default both). For scans, SECONDS
// is the length of the measurement (default 200). Run the program in a lab host:
//   vnuma-lab run --timeout 1500 -- tracking-tables accuracy
#include <sysexits.h>

#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "integration/host/running_guest.hpp"
#include "integration/scenarios/accuracy_table.hpp"
#include "integration/scenarios/overhead_table.hpp"
#include "integration/scenarios/scans_table.hpp"
#include "integration/scenarios/tracking_state.hpp"

namespace {

using namespace vnuma::lab;

int whole_number(const std::string& word) {
    char* end = nullptr;
    const long number = std::strtol(word.c_str(), &end, 10);
    if (*end != '\0' || number < 1 || number > 1000)
        throw std::runtime_error(word + " must be a number from 1 to 1000");
    return static_cast<int>(number);
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    const std::string overhead = words.size() > 1 ? words[1] : "0.01";
    try {
        if (!words.empty() && words.size() <= 3 && words[0] == "accuracy") {
            print_accuracy_table(std::cout, overhead, words.size() > 2 ? words[2] : "");
            return 0;
        }
        if (!words.empty() && words.size() <= 5 && words[0] == "overhead") {
            PhaseSettings wanted;
            if (words.size() > 2) wanted.count = whole_number(words[2]);
            if (words.size() > 3) wanted.length = std::chrono::seconds(whole_number(words[3]));
            if (words.size() > 4) wanted.guest = words[4];
            print_overhead_table(std::cout, overhead, wanted);
            return 0;
        }
        if (!words.empty() && words.size() <= 4 && words[0] == "scans") {
            print_scans_table(std::cout, overhead,
                              std::chrono::seconds(words.size() > 2 ? whole_number(words[2]) : 200),
                              words.size() > 3 ? words[3] : "");
            return 0;
        }
        if (words.size() == 1 && words[0] == "state") {
            print_tracking_state(std::cout);
            return 0;
        }
        std::cerr << "tracking-tables accuracy [OVERHEAD [ROWS]]\n"
                     "tracking-tables overhead [OVERHEAD [PHASES [SECONDS [GUEST]]]]\n"
                     "tracking-tables scans [OVERHEAD [SECONDS [GUEST]]]\n"
                     "tracking-tables state\n";
    } catch (const std::exception& error) {
        std::cerr << "tracking-tables: " << error.what() << "\n";
    }
    return guests_reset() > 0 ? EX_TEMPFAIL : 1;
}
