// Guests that somebody else has pinned or moved while vnumad had: they are left alone, until an
// administrator says otherwise by removing the guest's file, or until the guest ends.
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
    std::vector<ThreadIdentity> threads;  // whose CPUs were changed
};

// Pure.
ForeignChange find_foreign_change(const GuestSample& guest, const KnownPins& pins,
                                  const Host& host);

// What is left alone of a guest, and why; empty where nothing is.
struct HandsOff {
    std::string cpus, memory;

    friend bool operator==(const HandsOff&, const HandsOff&) = default;
};

// Each guest has a file named by its UUID in the directory, so that a restarted vnumad knows it.
// Not thread-safe. Calls block on the file system.
class HandsOffGuests {
  public:
    // `directory` is created when it is needed. Empty: nothing is kept beyond this process.
    explicit HandsOffGuests(std::string directory) : directory_(std::move(directory)) {}

    // Reads the files: those that are gone hold no more, and those of a process that has ended are
    // removed. Call it before find(), once for each sample.
    void refresh(const Sample& sample);

    // Leaves the guest alone from now on, as far as there are reasons. The first of each stays.
    void add(const GuestSample& guest, const HandsOff& why);

    // Null if the guest is not left alone.
    const HandsOff* find(const std::string& uuid) const;
    // Those of the last sample, by uuid.
    std::map<std::string, HandsOff> all() const;

    // Why a file cannot be read or written; empty if all can. Guests are left alone all the same,
    // as long as this process lives.
    const std::string& problem() const { return problem_; }

  private:
    struct Guest {
        ThreadIdentity process;
        HandsOff why;
        bool on_file = false;
    };

    void read(const std::string& uuid);
    void write(const std::string& uuid, const std::string& name, Guest& guest);

    std::string directory_;
    std::map<std::string, Guest> guests_;  // by uuid
    std::string problem_;
};

}  // namespace vnuma
