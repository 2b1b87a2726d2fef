// Reads one guest again and again, and remembers between the looks what need not be read anew.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "guests/discovery/guest_source.hpp"
#include "guests/memory/memory_reader.hpp"
#include "guests/model/listed_guest.hpp"
#include "guests/model/sample.hpp"
#include "guests/process/devices.hpp"
#include "guests/process/guest_threads.hpp"

namespace vnuma {

class GuestReader {
  public:
    explicit GuestReader(const Roots& roots) : roots_(roots), threads_(roots.cgroup) {}

    // What the listing and /proc say, without its memory. `all` reads also what changes rarely.
    GuestSample read(const ListedGuest& listed, GuestSource& source, bool all);

    // The memory of the guest last read, which must have had a process.
    MemoryReader& memory() { return memory_; }

  private:
    bool find_process(const ListedGuest& listed, GuestSample& sample);
    void read_process(const ListedGuest& listed, GuestSample& sample, bool all);

    Roots roots_;
    std::shared_ptr<const Process> process_;
    std::string executable_;
    ThreadReader threads_;
    DeviceFindings devices_;
    std::vector<std::string> files_;  // that were open then, by number; only of QEMUs of qmp_dir
    MemoryReader memory_;
};

// Why this process cannot be the listed guest's; empty when it can. Pure.
std::string why_not_its_process(const std::string& executable, std::string_view command_line,
                                const ListedGuest& listed, bool uuid_on_command_line);

}  // namespace vnuma
