// Warnings: each is logged once when something goes wrong, and once when it is over.
#pragma once

#include <chrono>
#include <string>

#include "src/report/tick.hpp"

namespace vnuma {

// Logs when one thing goes wrong, and when it is over.
class Trouble {
  public:
    Trouble(const char* wrong, const char* over) : wrong_(wrong), over_(over) {}
    // `now`: what is wrong, or empty.
    void update(const std::string& now);

  private:
    const char *wrong_, *over_;
    std::string last_;
};

// The warnings about ticks: blind, policies that cannot be used, reading that takes too long.
class TroubleLog {
  public:
    void update(const Tick& tick, std::chrono::milliseconds interval);

  private:
    Trouble blind_{"blind, so nothing is changed", "guests can be seen again"};
    Trouble run_time_policy_{"run-time policy rejected", "the run-time policy is in force again"};
    Trouble list_{"not all guests are known", "all guests are known again"};
    Trouble pagemap_{"pages are located with move_pages, which takes more CPU time than pagemap",
                     "pages are located with pagemap"};
    Trouble frozen_{"nothing is changed", "thawed: guests are balanced again"};
    Trouble hands_off_{"guests that are to be left alone are not all known",
                       "guests that are to be left alone are known again"};
    Trouble slow_{"reading the guests takes too long", "reading the guests is fast enough again"};
};

}  // namespace vnuma
