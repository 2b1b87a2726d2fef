// Reads which rivals there are.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "guests/model/listed_guest.hpp"
#include "src/observe/rivals.hpp"

namespace vnuma {

// Replaced in tests.
struct RivalRoots {
    std::string proc = "/proc";
    std::string sysfs = "/sys";
    std::string run = "/run";
    std::string var = "/var";
};

// A daemon is looked for in the list of all processes. There may be thousands, and each name takes
// three system calls. So the list is read when a process or thread has been made since the last
// time, which the kernel tells in one line, and then only the names of new processes. numad tells
// its pid in a file, which is read every time, and a daemon that was found is looked at every time
// too.
class RivalReader {
  public:
    using Time = std::chrono::steady_clock::time_point;

    // Where nothing is made, the list is read after this time all the same.
    static constexpr std::chrono::seconds walk_interval{10};
    // A process that was in the two walks before is known, and its name is read again after this
    // time only. Two, since a process may have been seen before it became another program.
    static constexpr std::chrono::minutes all_names_interval{5};

    explicit RivalReader(RivalRoots roots = {}) : roots_(std::move(roots)) {}

    // `now` is the time of the call. What cannot be read is not there. Blocks, for one thread at a
    // time.
    RivalReading read(const std::vector<ListedGuest>& guests, Time now);

  private:
    std::string process_file(pid_t pid, const char* file) const;
    bool is_daemon(pid_t pid, const std::string& name) const;
    void read_numad_pid();
    void walk(Time now);
    bool is_walk_due(Time now);
    bool is_known(pid_t pid) const;

    RivalRoots roots_;
    std::map<std::string, pid_t> daemons_;
    Time next_walk_{}, next_all_names_{};
    std::string newest_;  // process or thread, at the last walk; as the kernel writes it
    std::vector<pid_t> last_, last_but_one_;  // processes of the two walks before, sorted
};

}  // namespace vnuma
