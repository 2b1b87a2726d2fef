#include "src/act/thread_pins.hpp"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <set>
#include <system_error>

namespace vnuma {
namespace {

std::vector<int> intersect(const std::vector<int>& a, const std::vector<int>& b) {
    std::vector<int> both;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
    return both;
}

std::string describe_failure(const GuestThread& thread, int error) {
    return "sched_setaffinity of " + thread.name + ": " + std::generic_category().message(error);
}

// In the unit of a thread's start time.
std::uint64_t clock_ticks_since_boot() {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    const auto per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    return static_cast<std::uint64_t>(now.tv_sec) * per_second +
           static_cast<std::uint64_t>(now.tv_nsec) * per_second / 1'000'000'000;
}

// Nobody has set an affinity, as far as can be seen: the thread may use all of its cpuset, and
// libvirt has no pin for it. The kernel does not tell which affinity was set.
bool is_unset(const GuestThread& thread, const std::vector<int>& online) {
    const ThreadSample& sample = *thread.sample;
    const std::vector<int>& usable = sample.cpuset.empty() ? online : sample.cpuset;
    return thread.configured.empty() &&
           std::includes(sample.affinity.begin(), sample.affinity.end(), usable.begin(),
                         usable.end());
}

}  // namespace

std::string ThreadPins::pin(const GuestSample& guest, const std::vector<GuestThread>& threads,
                            const std::vector<int>& cpus, const std::vector<int>& online) {
    const std::lock_guard lock(mutex_);
    std::vector<Step> steps;
    std::vector<JournalEntry> entries;
    for (const GuestThread& thread : threads) {
        auto step = plan(guest, thread, cpus, online);
        if (!step) continue;
        if (step->entry.pin.ours.empty()) return thread.name + " may not use that node";
        entries.push_back(step->entry);
        steps.push_back(std::move(*step));
    }
    try {
        journal_.begin(std::move(entries));
    } catch (const std::system_error& error) {
        return std::string("nothing is changed, because the journal cannot be written: ") +
               error.what();
    }
    for (std::size_t i = 0; i < steps.size(); ++i) {
        std::string error = take(guest, steps[i]);
        if (error.empty()) continue;
        take_back(steps, i);
        return error;
    }
    return "";
}

std::optional<ThreadPins::Step> ThreadPins::plan(const GuestSample& guest,
                                                 const GuestThread& thread,
                                                 const std::vector<int>& cpus,
                                                 const std::vector<int>& online) const {
    const ThreadSample& sample = *thread.sample;
    Step step;
    step.thread = &thread;
    step.entry = {guest.uuid,           guest.name,
                  guest.process->pid(), guest.process->start_time(),
                  identity_of(sample),  {}};
    Pin& pin = step.entry.pin;
    const Pin* known = pins_.find(sample);
    const Pin* inherited = known ? nullptr : pins_.find_inherited(guest, sample);
    pin.before = inherited ? inherited->before : pins_.owners_choice(sample);
    pin.ours = intersect(pin.before, cpus);
    const bool is_in_force = sample.affinity == pin.ours;
    if (is_in_force && (known ? known->ours == pin.ours : !inherited)) return std::nullopt;
    pin.since = clock_ticks_since_boot();
    if (known) {
        step.former = *known;
        pin.reapplied = known->ours == pin.ours ? known->reapplied + 1 : 0;
        pin.since = known->since;
    }
    pin.unset = known ? known->unset : inherited ? inherited->unset : is_unset(thread, online);
    pin.configured = known ? known->configured : thread.configured;
    return step;
}

std::string ThreadPins::take(const GuestSample& guest, const Step& step) {
    const ThreadIdentity& thread = step.entry.thread;
    if (!kernel_.is_alive(*guest.process)) return "the guest has ended";
    const auto now = kernel_.read_cpus(thread);
    if (!now) return "";  // the thread has ended since the sample
    if (now->affinity != step.thread->sample->affinity)
        return "someone has just changed the CPUs of " + step.thread->name;
    const CallResult result = kernel_.set_affinity(thread, step.entry.pin.ours);
    if (result.error == 0)
        pins_.set(thread, step.entry.pin);
    else if (result.error != ESRCH)
        return describe_failure(*step.thread, result.error);
    return "";
}

// Undoes what this attempt has changed: every thread runs where it did before.
void ThreadPins::take_back(const std::vector<Step>& steps, std::size_t taken) {
    std::vector<ThreadIdentity> over;
    std::vector<JournalEntry> back;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const Step& step = steps[i];
        const ThreadIdentity& thread = step.entry.thread;
        JournalEntry entry = step.entry;
        if (step.former) {
            // What was there before is our own pin, and stays journalled.
            entry.pin.before = step.former->ours;
            entry.pin.unset = false;
        }
        if (i < taken && put_back(kernel_, entry).outcome == PutBack::failed) continue;
        if (step.former) {
            pins_.set(thread, *step.former);
            entry.pin = *step.former;
            back.push_back(std::move(entry));
        } else {
            pins_.erase(thread);
            over.push_back(thread);
        }
    }
    end(over);
    try {
        journal_.begin(std::move(back));
    } catch (const std::system_error&) {
        // The entries that are there name both pins.
    }
}

std::string ThreadPins::release(const std::vector<GuestThread>& threads) {
    const std::lock_guard lock(mutex_);
    std::string failure;
    std::vector<ThreadIdentity> over;
    for (const GuestThread& thread : threads) {
        const ThreadIdentity identity = identity_of(*thread.sample);
        const auto entry = journal_.entries().find(identity);
        if (entry == journal_.entries().end()) continue;
        const Restored restored = put_back(kernel_, entry->second);
        if (restored.outcome == PutBack::failed) {
            failure = describe_failure(thread, restored.error);
        } else {
            pins_.erase(identity);
            over.push_back(identity);
        }
    }
    end(over);
    return failure;
}

void ThreadPins::forget(const std::vector<ThreadIdentity>& threads) {
    const std::lock_guard lock(mutex_);
    for (const ThreadIdentity& thread : threads)
        pins_.erase(thread);
    end(threads);
}

void ThreadPins::forget_ended(const Sample& sample) {
    const std::lock_guard lock(mutex_);
    std::set<ThreadIdentity> seen;
    for (const GuestSample& guest : sample.guests)
        for_each_thread(guest,
                        [&](const ThreadSample& thread) { seen.insert(identity_of(thread)); });
    std::vector<ThreadIdentity> ended;
    for (const auto& [thread, entry] : journal_.entries())
        if (!seen.contains(thread) && !kernel_.read_cpus(thread)) ended.push_back(thread);
    for (const ThreadIdentity& thread : ended)
        pins_.erase(thread);
    end(ended);
}

std::optional<std::vector<Restored>> ThreadPins::undo() {
    const std::unique_lock lock(mutex_, undo_patience);
    if (!lock) return std::nullopt;
    pins_ = {};
    return restore(kernel_, journal_);
}

// An entry that stays by mistake does no harm: only an affinity that is still ours is put back.
void ThreadPins::end(const std::vector<ThreadIdentity>& threads) {
    try {
        journal_.end(threads);
    } catch (const std::system_error&) {
    }
}

}  // namespace vnuma
