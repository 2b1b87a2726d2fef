// Finds the RAM blocks of one guest, and finds them again when they may have changed.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "guests/discovery/guest_source.hpp"
#include "guests/model/listed_guest.hpp"
#include "guests/model/ram.hpp"
#include "guests/process/parse_proc.hpp"
#include "guests/process/process.hpp"

namespace vnuma {

class RamFinder {
  public:
    // A process with more mappings has its RAM blocks looked for only with `rare_too`, however
    // often they are not found: reading 60,000 takes 50 ms.
    static constexpr std::size_t many_mappings = 4096;

    // Whether find() has to be called: the domain has changed, not all of its RAM blocks are known,
    // or it is the tick for what changes rarely.
    bool is_due(const ListedGuest& listed, bool rare_too) const;

    // Finds the RAM blocks by their sizes in /proc/PID/maps or, if these are ambiguous and the
    // source permits it, from QEMU's monitor. Returns the new map, which may say what was not
    // found, or nothing if the map returned last is still right. The monitor is asked once, and
    // again if the domain's memory has changed or with `rare_too`. A UselessAnswer is a problem
    // of the map by size; without an answer nothing is known. `listed` must have a domain.
    std::optional<RamMap> find(const Process& process, const ListedGuest& listed,
                               GuestSource& source, bool rare_too);

    // How many mappings the process had at the last find().
    std::size_t mappings() const { return mappings_; }

  private:
    bool is_still_right(const Domain& domain, const std::vector<Mapping>& mappings) const;
    std::optional<RamMap> find_again(const ListedGuest& listed, GuestSource& source,
                                     const std::vector<Mapping>& mappings, bool ask_again);

    // Whether the map returned last has all blocks.
    bool is_known() const;

    bool with_memory_ = false;              // whether the source told the memory at the last find()
    std::shared_ptr<const Domain> domain_;  // the domain that the map was found for
    std::optional<RamMap> last_;            // the map returned last
    std::size_t mappings_ = 0;
    bool asked_ = false;  // whether the monitor was ever asked
};

}  // namespace vnuma
