// Freezing: an administrator stops all actions at once without stopping vnumad.
#pragma once

#include <string>

namespace vnuma {

// vnumad is frozen while the file exists, whoever has made it. Pins stay, and reports go on.
class Freeze {
  public:
    explicit Freeze(const std::string& state_directory) : file_(state_directory + "/freeze") {}

    // One system call, so that it is made before each action.
    bool is_on() const;

    // Makes or removes the file. False, with errno set, if that fails.
    bool set(bool on) const;

    const std::string& file() const { return file_; }

  private:
    std::string file_;
};

}  // namespace vnuma
