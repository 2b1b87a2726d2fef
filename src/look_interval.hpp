// How long the loop sleeps between two looks: longer and longer while nothing changes. Pure.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "policy/model/snapshot.hpp"
#include "src/report/tick.hpp"

namespace vnuma {

// A node's load has changed if it differs by this part of the node's capacity from what it was at
// the last change, and so has a guest's use of CPUs.
inline constexpr MilliCpu load_change_divisor = 8;
// A guest that changes by less than so much has not changed, however small it is.
inline constexpr MilliCpu least_load_change = 250;
// After the first look at a guest. CPU use is the difference between two looks, and there is no
// plan for the guest before that.
inline constexpr std::chrono::milliseconds first_look_gap{500};

class LookInterval {
  public:
    using milliseconds = std::chrono::milliseconds;

    // From the begin of one look to that of the next. `longest` is not less than `shortest`.
    LookInterval(milliseconds shortest, milliseconds longest)
        : shortest_(shortest), longest_(longest), length_(shortest) {}

    // How long after the begin of this tick the next one should begin. It doubles with each tick in
    // which nothing has changed. After the first look at a guest it is first_look_gap, if that is
    // less. Something that is under way needs the next look soon, but the interval is as long as
    // before once that is over.
    milliseconds after(const Tick& tick);

    // Something has happened meanwhile: what is known of the last tick does not count any more.
    void restart() { length_ = shortest_; }

  private:
    bool has_new_guest(const Tick& tick) const;
    bool has_changed(const Tick& tick);
    bool loads_changed(const Tick& tick);

    milliseconds shortest_, longest_, length_;
    // What is compared with the next tick.
    std::vector<Verdict> verdicts_;
    std::map<std::string, std::string> unsteady_;  // by uuid
    std::vector<MilliCpu> node_load_;              // at the last change
    std::map<std::string, MilliCpu> guest_load_;   // at the last change, by uuid
};

}  // namespace vnuma
