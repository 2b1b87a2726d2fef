// The door to the kernel, and to libvirt where that pins. Every call by which vnumad changes
// something of a guest goes through it, and so do the readings that are made right before and after
// such a call.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "guests/discovery/libvirt_pins.hpp"
#include "guests/model/settings.hpp"
#include "guests/process/parse_proc.hpp"
#include "guests/process/pressure.hpp"
#include "guests/process/process.hpp"
#include "policy/model/types.hpp"
#include "src/observe/known_pins.hpp"
#include "src/observe/memory_limits.hpp"

namespace vnuma {

// What became of one call that changes something.
struct CallResult {
    int error = 0;  // errno, or 0
    std::chrono::nanoseconds took{0};
};

// The affinity of a thread for which nobody has set one: all CPUs that a kernel could have.
const std::vector<int>& every_cpu();

// The affinity to set so that a thread that had these CPUs is as it was before. The kernel tells
// the CPUs that are in force, and not which affinity was set; where they cover the whole cpuset,
// none is taken to have been set, as at a release (Pin::unset). A mask that nobody had set would
// keep the thread narrow when its cpuset is widened later. Where the cpuset is not known, it is the
// affinity in force. Pure.
std::vector<int> mask_before(const ThreadCpus& cpus);

// Calls block. Any thread, and several at once.
class Kernel {
  public:
    Kernel() = default;
    Kernel(const Kernel&) = delete;
    Kernel& operator=(const Kernel&) = delete;
    virtual ~Kernel() = default;

    // Whether calls change anything. In a dry run none is made.
    virtual bool acts() const = 0;

    // Whether the process, and no other with its number, still lives.
    virtual bool is_alive(const Process& process) = 0;

    // The CPUs that the thread may run on; nothing when it has ended, or when they cannot be read.
    virtual std::optional<ThreadCpus> read_cpus(const ThreadIdentity& thread) = 0;

    // As find_life() of life.hpp.
    virtual int find_life(const ThreadIdentity& thread) = 0;

    // The threads of a process with this start time; none when it has ended, or when they cannot be
    // read.
    virtual std::vector<ThreadIdentity> read_threads(const ThreadIdentity& process) = 0;

    // The host node (the kernel's number) of the page at each address; negative where there is no
    // page. `nodes` is as long as `addresses`. Returns errno, or 0.
    virtual int read_page_nodes(const Process& process, std::span<const std::uint64_t> addresses,
                                std::span<int> nodes) = 0;

    // As read_available(). Throws HostError.
    virtual Bytes read_available(int node_id) = 0;

    // sched_setaffinity(2) of this thread and no other with its number. ESRCH when it has ended; as
    // find_life() where that cannot be read, and then nothing is changed.
    virtual CallResult set_affinity(const ThreadIdentity& thread, const std::vector<int>& cpus) = 0;

    // move_pages(2) with MPOL_MF_MOVE. Which pages have moved is for read_page_nodes() to tell: the
    // kernel leaves statuses unwritten after a partial failure.
    virtual CallResult move_pages(const Process& process, std::span<const std::uint64_t> addresses,
                                  int node_id) = 0;

    // Readings of memory_limits.hpp. The first two throw HostError.
    virtual Bytes read_high_watermark(int node_id) = 0;
    virtual Bytes read_unreserved_huge(int node_id, Bytes page_bytes) = 0;
    virtual HostPressure read_host_pressure() = 0;

    // The run time and waiting time of a thread of the process; nothing when it has ended.
    virtual std::optional<SchedStat> read_times(const Process& process, pid_t thread) = 0;
    // As read_stalls() of pressure.hpp.
    virtual std::optional<Pressure> read_stalls(const Process& process, pid_t vcpu_thread) = 0;

    // See LibvirtPins. From one thread at a time.
    virtual PinReply read_libvirt_pin(const std::string& uuid, DomainThread thread) = 0;
    virtual PinReply set_libvirt_pin(const std::string& uuid, DomainThread thread,
                                     const std::vector<int>& cpus) = 0;
};

// Acts. libvirt is asked only if it has to pin something, or has pinned it.
std::unique_ptr<Kernel> open_kernel(const LibvirtSettings& libvirt = {});

// Reads like the one that acts, asks libvirt nothing, and changes nothing: the calls that would
// return ECANCELED.
std::unique_ptr<Kernel> open_dry_run();

}  // namespace vnuma
