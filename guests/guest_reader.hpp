// Reads one guest tick after tick. It remembers what changes rarely and need not be read each time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guests/discovery/guest_source.hpp"
#include "guests/memory/memory_reader.hpp"
#include "guests/model/listed_guest.hpp"
#include "guests/model/sample.hpp"
#include "guests/process/devices.hpp"
#include "guests/process/guest_threads.hpp"
#include "guests/process/helpers.hpp"
#include "guests/process/kept_file.hpp"

namespace vnuma {

// How much of a guest is read. What is not read is as it was at the last reading.
enum class Depth {
    quiet,  // run times, and whether anything else may have changed
    full,
    rare,  // also what is remembered because it rarely changes
};

// For one thread at a time. The calls of one object must be for the same guest.
class GuestReader {
  public:
    explicit GuestReader(const Roots& roots)
        : roots_(roots), threads_(roots.cgroup), helpers_(roots.cgroup) {}

    // Reads the guest's process, threads and devices from /proc, and finds its RAM blocks. The
    // sample has no RAM yet; see memory(). What cannot be read is left out, and the sample says why
    // the guest is unsteady, or what of it is not served. A quiet reading becomes a full one where
    // something may have changed. Throws std::system_error if the kernel refuses to open the
    // process.
    GuestSample read(const ListedGuest& listed, GuestSource& source, Depth depth);

    // When it was last read with Depth::rare; the clock's epoch if never.
    std::chrono::steady_clock::time_point last_rare() const { return last_rare_; }

    // The memory of the guest that was read last. Its residency may be read only if that sample has
    // a process.
    MemoryReader& memory() { return memory_; }

  private:
    GuestSample read_fully(const ListedGuest& listed, GuestSource& source, bool rare_too);
    bool read_quietly(const ListedGuest& listed, GuestSample& sample);
    void note_resident_pages();
    bool find_process(const ListedGuest& listed, GuestSample& sample);
    void read_process(const ListedGuest& listed, GuestSample& sample, bool rare_too);
    void mark_changing_memory(const Domain& domain, GuestSample& sample);
    void read_devices_if_changed(const ListedGuest& listed, bool rare_too);

    Roots roots_;
    std::shared_ptr<const Process> process_;  // null until a process was identified as the guest's
    std::string executable_;
    ThreadReader threads_;
    HelperReader helpers_;
    DeviceFindings devices_;
    std::optional<std::int64_t> present_bytes_;  // of balloon and memory devices, at the last read
    // The process' open file descriptors at the last read. Devices are read again when these
    // change. Empty for guests of libvirt, whose XML shows a new device by itself.
    std::vector<std::string> fds_;
    MemoryReader memory_;
    KeptFile statm_;
    std::int64_t resident_pages_ = 0;  // when its residency was last found to be outdated
    std::chrono::steady_clock::time_point last_rare_{};
    // The last full reading, without its memory, and what its source told then.
    std::optional<GuestSample> last_;
    ListedGuest last_listed_;
};

// Why a process with this command line cannot be the libvirt domain with this uuid; empty if it
// can. Pure.
std::string identity_mismatch(std::string_view command_line, const std::string& uuid);

}  // namespace vnuma
