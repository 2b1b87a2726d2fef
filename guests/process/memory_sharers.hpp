// Processes that map the memory of a guest beside its VMM, such as the servers of vhost-user and
// virtiofs devices.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <map>
#include <string>
#include <tuple>
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
    // As long as nobody has looked for some file in all processes, a look takes about 25 ms.
    static constexpr std::size_t first_processes_at_once = 256;
    static constexpr std::size_t max_processes = 32768;

    // `proc` is where /proc is mounted.
    explicit MemorySharers(std::string proc) : proc_(std::move(proc)) {}

    // Looks at the next processes. `sought` are the files that the RAM of guests is mapped from; a
    // file may be there twice. Does nothing if there are none. `complete` looks at as many
    // processes as it takes to know all files, however long that takes.
    void look(const std::vector<MappedFile>& sought, bool complete = false);

    // A sentence about a process other than `vmm` that was seen to map the file shared, or that
    // this is not known yet, since the file is new; empty if all processes were looked at and none
    // of them maps it.
    std::string find(const MappedFile& file, pid_t vmm) const;

  private:
    struct Sharer {
        std::string name;
        std::vector<MappedFile> files;  // those of the sought files that it maps
    };
    struct ByNumber {
        bool operator()(const MappedFile& a, const MappedFile& b) const {
            return std::tie(a.device, a.inode) < std::tie(b.device, b.inode);
        }
    };

    // Files, and how many passes over all processes have to end until each is known.
    using Passes = std::map<MappedFile, int, ByNumber>;

    void seek(const std::vector<MappedFile>& files);
    bool has_unknown() const;
    void list_processes();
    void examine(pid_t process);
    void examine_next(std::size_t count);

    std::string proc_;
    Passes sought_;
    std::vector<pid_t> waiting_;  // processes that are to be looked at, the next one last
    std::map<pid_t, Sharer> sharers_;
};

}  // namespace vnuma
