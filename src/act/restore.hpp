// Gives threads back what their owners allow: at stop, after a crash, and by `vnumad --restore`.
#pragma once

#include <string>
#include <vector>

#include "src/act/journal.hpp"
#include "src/act/kernel_calls.hpp"

namespace vnuma {

enum class PutBack {
    done,
    ended,     // the thread has ended
    not_ours,  // somebody else has changed its CPUs since, and that stays
    failed,
};

struct Restored {
    JournalEntry entry;
    PutBack outcome = PutBack::done;
    std::string error{};   // if it has failed: of which call, and why
    bool returned = true;  // false: libvirt may still give it back
};

// Entries for threads that are in none of these, were born while their process was pinned, and have
// inherited the pin of the thread that created them.
std::vector<JournalEntry> find_heirs(Kernel& kernel, const JournalEntries& entries);

// Gives one thread back the CPUs of its owner if those that vnumad set are still in force. By
// libvirt also if they may come into force yet.
Restored put_back(Kernel& kernel, const JournalEntry& entry);

// Puts back all that the journal holds, and what threads have inherited that were born while their
// process was pinned. What has failed stays in the journal. Where libvirt does not take back its
// pin, the affinity is put back, which helps unless libvirt has set a cpuset, too.
std::vector<Restored> restore(Kernel& kernel, Journal& journal);

// "guest alpha, thread 1234: may use CPUs 0-3 again, as before"
std::string describe(const Restored& restored);

}  // namespace vnuma
