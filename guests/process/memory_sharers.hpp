// Processes that map the memory of a guest beside its VMM, such as the servers of vhost-user and
// virtiofs devices.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "guests/model/ram.hpp"

namespace vnuma {

// The kernel does not move a page that two processes have mapped. No file of a VMM tells which
// process its memory was passed to, so the mappings of all processes are looked at, few at a time.
// For one thread at a time.
class MemorySharers {
  public:
    // Reading the mappings of one process takes about 0.1 ms. Thousands take a minute or two.
    static constexpr std::size_t processes_at_once = 16;
    static constexpr std::size_t max_processes = 32768;

    // `proc` is where /proc is mounted.
    explicit MemorySharers(std::string proc) : proc_(std::move(proc)) {}

    // Looks at the next processes, or at all if a file is sought that was not sought before.
    // `sought` are the files that the RAM of guests is mapped from. Does nothing if there are none.
    void look(std::vector<MappedFile> sought);

    // A sentence about a process other than `vmm` that was seen to map the file shared; empty if
    // none was.
    std::string find(const MappedFile& file, pid_t vmm) const;

  private:
    struct Sharer {
        std::string name;
        std::vector<MappedFile> files;  // those of the sought files that it maps
    };

    void list_processes();
    void examine(pid_t process);

    std::string proc_;
    std::vector<MappedFile> sought_;
    std::vector<pid_t> waiting_;  // processes that are to be looked at, the next one last
    std::map<pid_t, Sharer> sharers_;
};

}  // namespace vnuma
