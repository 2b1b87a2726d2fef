// The memory of one guest: finds its RAM blocks, and reads their residency tick after tick.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "guests/discovery/guest_source.hpp"
#include "guests/memory/ram_finder.hpp"
#include "guests/memory/residency_reader.hpp"
#include "guests/model/listed_guest.hpp"
#include "guests/model/sample.hpp"
#include "guests/model/settings.hpp"
#include "guests/process/process.hpp"

namespace vnuma {

// For one thread at a time.
class MemoryReader {
  public:
    // Finds where the RAM blocks are in QEMU's address space, if that may have changed; see
    // RamFinder. `rare_too` reads again what is remembered. `listed` must have a domain.
    void read_map(const Process& process, const ListedGuest& listed, GuestSource& source,
                  bool rare_too);

    // Reads on which nodes the RAM is; see ResidencyReader::read(). Does nothing without RAM
    // blocks.
    void read_residency(const Process& process, const PageReaders& readers, ResidencyMode mode,
                        bool complete);

    // Where its memory is may have changed since the residency was last read.
    void set_outdated() { outdated_ = true; }
    bool is_outdated() const { return outdated_; }

    // When the residency was last read without a failure; the clock's epoch if never.
    std::chrono::steady_clock::time_point residency_time() const { return residency_.time(); }

    // Puts the RAM blocks, their residency and what was not found of them into the sample of the
    // guest, and marks the guest unsteady if nothing is known or the owner's memory policy leaves
    // no choice. Does nothing to a sample without a process or a domain.
    void fill(GuestSample& sample, std::chrono::steady_clock::time_point now) const;

  private:
    RamFinder finder_;
    // As in the map that was found last.
    std::string unknown_;
    std::vector<std::string> problems_;
    std::map<int, std::int64_t> no_dram_;
    const char* source_ = "size";
    ResidencyReader residency_;
    bool outdated_ = true;
};

}  // namespace vnuma
