// The directory of what has to survive vnumad's process: /run/vnumad.
#pragma once

#include <stdexcept>
#include <string>

#include "guests/process/file_descriptor.hpp"

namespace vnuma {

// The directory cannot be used, or another vnumad uses it.
struct StateError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline std::string journal_file(const std::string& state_directory) {
    return state_directory + "/journal";
}
inline std::string hands_off_directory(const std::string& state_directory) {
    return state_directory + "/hands-off";
}

// Creates the directory if it is not there. Throws StateError if that fails, or if somebody other
// than root and vnumad's user could change what is in it.
void prepare_state_directory(const std::string& directory);

// One vnumad at a time acts. The kernel releases the lock however the process ends.
class InstanceLock {
  public:
    // Throws StateError, which names the process that holds the lock.
    explicit InstanceLock(const std::string& state_directory);

  private:
    FileDescriptor fd_;
};

}  // namespace vnuma
