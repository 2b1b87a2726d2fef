// Guests that somebody else has pinned or moved while vnumad had: they are left alone, until an
// administrator says otherwise (the guest's file is removed), or until the guest ends.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "guests/model/sample.hpp"
#include "src/observe/host.hpp"
#include "src/observe/known_pins.hpp"

namespace vnuma {

// A change that somebody else has made to the CPUs of a guest.
struct ForeignChange {
    std::string what;                     // empty: there is none
    std::vector<ThreadIdentity> threads;  // whose CPUs are the owner's now
};

// Pure.
ForeignChange find_foreign_change(const GuestSample& guest, const KnownPins& pins,
                                  const Host& host);

// What is left alone of a guest, and why; empty where nothing is.
struct HandsOff {
    std::string cpus, memory;

    friend bool operator==(const HandsOff&, const HandsOff&) = default;
};

// Ends that a guest is left alone, from the next HandsOffGuests::refresh() on: removes its files,
// in whatever spelling of its UUID. Returns what went wrong, or an empty string. Blocks on the file
// system. Any thread.
std::string forget_hands_off(const std::string& directory, const std::string& uuid);

// Each guest has a file named by its UUID in the directory, so that a restarted vnumad knows it. An
// administrator may make one, with the UUID in any spelling.
// Not thread-safe. Calls block on the file system.
class HandsOffGuests {
  public:
    // `directory` is created when it is needed. Empty: nothing is kept beyond this process. Without
    // `may_write` the files are read, and nothing is changed.
    explicit HandsOffGuests(std::string directory, bool may_write = true)
        : directory_(std::move(directory)), may_write_(may_write) {}

    // Reads the files: those that are gone hold no more, and those of a process that has ended are
    // removed. One that cannot be read, or is empty, holds. Call it before find(), once for each
    // sample.
    void refresh(const Sample& sample);

    // Leaves the guest alone from now on, as far as there are reasons. The first of each stays.
    void add(const GuestSample& guest, const HandsOff& why);

    // Null if the guest is not left alone.
    const HandsOff* find(const std::string& uuid) const;
    // Why the guest's CPUs are left alone; empty if they are not.
    std::string why_cpus(const std::string& uuid) const {
        const HandsOff* why = find(uuid);
        return why ? why->cpus : "";
    }
    // Those of the last sample, by uuid.
    std::map<std::string, HandsOff> all() const;

    // Why a file cannot be read or written; empty if all can. Guests are left alone all the same,
    // and what could not be written is written again at each refresh().
    const std::string& problem() const { return problem_; }

  private:
    struct Guest {
        ThreadIdentity process;  // none if the file does not tell
        std::string name;
        HandsOff why;
        bool on_file = false;
        std::string file{};  // its path, while it is on file
    };

    std::string file_of(const std::string& uuid) const;
    Guest read(const std::string& file);
    void write(const std::string& uuid, Guest& guest);
    void forget(std::map<std::string, Guest>::iterator guest);

    std::string directory_;
    bool may_write_;
    std::map<std::string, Guest> guests_;  // by uuid
    std::string problem_;
};

}  // namespace vnuma
