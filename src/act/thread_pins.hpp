// Confines threads of guests to the CPUs of nodes, and gives them back what their owner allowed.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "guests/model/sample.hpp"
#include "src/act/journal.hpp"
#include "src/act/kernel_calls.hpp"
#include "src/act/restore.hpp"
#include "src/observe/known_pins.hpp"

namespace vnuma {

// Its calls block. Calls that change something may come from any thread, known() only while there
// are none.
class ThreadPins {
  public:
    // Both must outlive it. What a crash has left in force is put back before. `by_libvirt`:
    // libvirt pins the threads that it knows.
    ThreadPins(Kernel& kernel, Journal& journal, bool by_libvirt = false)
        : kernel_(kernel), journal_(journal), by_libvirt_(by_libvirt) {}

    // Why nothing more may be done to the guest, or an empty string. It is asked for each thread,
    // since libvirt may take a second for each call.
    using WhyNot = std::function<std::string()>;

    const KnownPins& known() const { return pins_; }

    // Confines threads of the guest to these CPUs, within what the owner allows: either all of them
    // or none. `online` are the CPUs of the host, sorted. Returns what went wrong, or an empty
    // string; that a thread has just ended is no failure. A reason of `why_not` is returned as it
    // is; then those stay pinned that libvirt has pinned by then, and the next call goes on.
    std::string pin(const GuestSample& guest, const std::vector<GuestThread>& threads,
                    const std::vector<int>& cpus, const std::vector<int>& online,
                    const WhyNot& why_not);

    // Whether the thread has these CPUs already, by our pin or by the owner's, so that pin()
    // changes nothing. Pure.
    bool is_in_force(const GuestSample& guest, const GuestThread& thread,
                     const std::vector<int>& cpus, const std::vector<int>& online) const;

    // Gives threads of one guest back the CPUs that their owner allows. Returns what went wrong, or
    // why not, or an empty string; a thread that is not put back stays known as pinned.
    std::string release(const std::vector<GuestThread>& threads, const WhyNot& why_not);

    // The same for all threads of a guest that the journal has, also for vCPUs that are not plugged
    // in any more.
    std::string release_guest(const std::string& uuid, const WhyNot& why_not);

    // Threads that somebody else has pinned since are not ours any more, and keep what they have.
    void forget(const std::vector<ThreadIdentity>& threads);

    // As WhyNot, of any guest.
    using WhyNotGuest = std::function<std::string(const GuestSample&)>;

    // Forgets threads that have ended. A guest that is missing from one sample keeps its pins: if
    // one were taken for the owner's choice, it could never be undone. A guest that was saved or
    // has migrated, and comes back with the pins that libvirt had for it, has ours again. A
    // vCPU that was unplugged, for which libvirt keeps our pin, is put back once nothing forbids
    // it. `online` and `isolated` (Host::isolated) are the CPUs of the host in this look, sorted.
    // Threads are pinned to isolated CPUs only where their owner allows no others: they would stay
    // on the CPU that they come to first.
    void follow(const Sample& sample, const std::vector<int>& online, const WhyNotGuest& why_not,
                std::vector<int> isolated = {});

    // Puts back the owner's choice wherever our pin is still in force, and returns what became of
    // each. Nothing, and nothing is changed, if another call does not return within undo_patience.
    std::optional<std::vector<Restored>> undo();
    static constexpr std::chrono::seconds undo_patience{1};

  private:
    // What pin() is about to do to one thread.
    struct Step {
        const GuestThread* thread = nullptr;
        JournalEntry entry;
        std::optional<Pin> former{};  // our pin before
        std::string problem{};        // why it cannot be done
    };

    // The CPUs to pin a thread to, of those that its owner allows and these.
    std::vector<int> ours_of(const std::vector<int>& allowed, const std::vector<int>& cpus) const;
    // Nothing if the CPUs are in force already.
    std::optional<Step> plan(const GuestSample& guest, const GuestThread& thread,
                             const std::vector<int>& cpus, const std::vector<int>& online,
                             const WhyNot& why_not);
    std::string read_before(Step& step, const Pin* inherited);
    std::string take(const GuestSample& guest, const Step& step);
    std::string take_by_libvirt(const Step& step);
    // A thread, named for messages, and what the journal has of it.
    using Named = std::pair<std::string, JournalEntry>;
    std::string release(const std::vector<Named>& entries, const WhyNot& why_not);
    void forget_ended(const Sample& sample, const WhyNotGuest& why_not);
    bool put_back_unplugged(const JournalEntry& entry, const Sample& sample,
                            const WhyNotGuest& why_not);
    void take_up(const GuestSample& guest);
    void take_back(const std::vector<Step>& steps, std::size_t taken, const WhyNot& why_not);
    bool begin(std::vector<JournalEntry> entries);
    void end(const std::vector<ThreadIdentity>& threads);

    Kernel& kernel_;
    Journal& journal_;
    const bool by_libvirt_;
    std::timed_mutex mutex_;  // held for the length of a call that changes something
    KnownPins pins_;
    std::vector<int> isolated_;
    std::set<std::string> leaving_;  // uuids of guests that were being saved, or migrating
};

}  // namespace vnuma
