// Programs that serve a guest beside QEMU, such as virtiofsd, swtpm and passt.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "guests/model/listed_guest.hpp"
#include "guests/model/sample.hpp"
#include "guests/process/guest_threads.hpp"
#include "guests/process/process.hpp"

namespace vnuma {

// At most so many of a guest are known.
inline constexpr std::size_t max_helpers = 64;

// The processes in the control group that libvirt has made for QEMU's main thread and for nothing
// but the guest, without QEMU itself. None if QEMU, whose "cgroup" file has this text, is in no
// such group: then nothing tells whose helper a process is. `cgroup_root` is as for ThreadReader.
std::vector<pid_t> find_helpers(pid_t qemu, std::string_view cgroup_text,
                                const std::string& cgroup_root);

// The Unix sockets that are bound to a path which stands on a command line, as links in
// /proc/PID/fd show them: "socket:[27214]". `net_unix` is the text of /proc/PID/net/unix,
// `command_line` that of /proc/PID/cmdline. What accepts connections at a path has sockets that are
// bound to it; what connects has none.
std::set<std::string> sockets_named(std::string_view command_line, std::string_view net_unix);

// The processes that serve sockets which a VMM's command line names: those of its control group,
// where that is neither the root nor shared with another KVM VM, and swtpm and virtiofsd anywhere.
// Costs a look at the open files of up to max_helpers processes and at the programs of all.
std::vector<pid_t> find_servers(const Process& vmm, std::string_view cgroup_text,
                                const std::string& cgroup_root);

// Adds the CPU time of a process that works for the guest. A recorded process has none.
void add_cpu_time(const Process& process, GuestSample& sample);

// Reads one guest's helpers tick after tick.
class HelperReader {
  public:
    explicit HelperReader(std::string cgroup_root) : cgroup_root_(std::move(cgroup_root)) {}

    // Adds their threads and CPU times to the sample. `rare_too` looks for helpers that are new.
    void read(const Process& vmm, bool rare_too, GuestSample& sample);

  private:
    struct Helper {
        Process process;
        ThreadReader threads;
    };

    void find(const Process& vmm);
    std::vector<pid_t> list(const Process& vmm, std::string_view cgroup_text);

    std::string cgroup_root_;
    std::map<pid_t, Helper> helpers_;
    // Of a VMM that libvirt has not started: the members of its control group at the last look,
    // none before the first, and who serves it.
    std::optional<std::vector<pid_t>> members_;
    std::vector<pid_t> servers_;
};

}  // namespace vnuma
