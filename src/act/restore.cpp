#include "src/act/restore.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "policy/model/number_list.hpp"

namespace vnuma {
namespace {

// Entries for the threads that were born while their process was pinned, and have the affinity of
// the thread that created them.
std::vector<JournalEntry> find_heirs(Kernel& kernel, const JournalEntries& entries) {
    std::map<std::pair<pid_t, std::uint64_t>, std::vector<const JournalEntry*>> by_process;
    for (const auto& [thread, entry] : entries)
        by_process[{entry.process, entry.process_start}].push_back(&entry);
    std::vector<JournalEntry> heirs;
    for (const auto& [process, pinned] : by_process)
        for (const ThreadIdentity& thread : kernel.read_threads({process.first, process.second})) {
            if (entries.contains(thread)) continue;
            const auto cpus = kernel.read_cpus(thread);
            const auto parent = std::find_if(pinned.begin(), pinned.end(), [&](const auto* entry) {
                return cpus && is_heir(thread, *cpus, entry->pin);
            });
            if (parent == pinned.end()) continue;
            heirs.push_back(**parent);
            heirs.back().thread = thread;
        }
    return heirs;
}

}  // namespace

Restored put_back(Kernel& kernel, const JournalEntry& entry) {
    Restored restored{entry};
    const auto now = kernel.read_cpus(entry.thread);
    const auto is_ours = [&](const std::vector<int>& cpus) {
        return !cpus.empty() && explains(cpus, now->affinity, now->cpuset);
    };
    if (!now) {
        restored.outcome = PutBack::ended;
    } else if (!is_ours(entry.pin.ours) && !is_ours(entry.former)) {
        restored.outcome = PutBack::not_ours;
    } else {
        const std::vector<int>& cpus = entry.pin.unset ? every_cpu() : entry.pin.before;
        restored.error = kernel.set_affinity(entry.thread, cpus).error;
        if (restored.error == ESRCH) restored.outcome = PutBack::ended;
        if (restored.error != 0 && restored.error != ESRCH) restored.outcome = PutBack::failed;
    }
    return restored;
}

std::vector<Restored> restore(Kernel& kernel, Journal& journal) {
    std::vector<Restored> all;
    std::vector<ThreadIdentity> over;
    for (const JournalEntry& heir : find_heirs(kernel, journal.entries()))
        all.push_back(put_back(kernel, heir));
    for (const auto& [thread, entry] : journal.entries()) {
        all.push_back(put_back(kernel, entry));
        if (all.back().outcome != PutBack::failed) over.push_back(thread);
    }
    try {
        journal.end(over);
    } catch (const std::system_error&) {
        // Entries that stay do no harm: only CPUs that are still ours are put back.
    }
    return all;
}

std::string describe(const Restored& restored) {
    const JournalEntry& entry = restored.entry;
    std::string thread =
        "guest " + entry.guest + ", thread " + std::to_string(entry.thread.id) + ": ";
    switch (restored.outcome) {
        case PutBack::done:
            return thread + "may use CPUs " +
                   (entry.pin.unset ? "of all its cpuset" : format_number_list(entry.pin.before)) +
                   " again, as before";
        case PutBack::ended:
            return thread + "has ended";
        case PutBack::not_ours:
            return thread + "somebody else has changed its CPUs, and they stay as they are";
        case PutBack::failed:
            return thread + "sched_setaffinity: " + std::generic_category().message(restored.error);
    }
    return thread;
}

}  // namespace vnuma
