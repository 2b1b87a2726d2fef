// DAMON's kernel threads, and other programs that use DAMON.
#pragma once

#include <sys/types.h>

namespace vnuma::lab {

// The number of kdamonds of the host.
int kdamonds();

// Whether a kdamond, of any program, monitors the process.
bool is_monitored(pid_t pid);

// Creates a kdamond as another program would, for the lifetime of the object.
class KdamondOfAnotherProgram {
  public:
    KdamondOfAnotherProgram();  // throws std::system_error
    ~KdamondOfAnotherProgram();
    KdamondOfAnotherProgram(const KdamondOfAnotherProgram&) = delete;
    KdamondOfAnotherProgram& operator=(const KdamondOfAnotherProgram&) = delete;
};

// Gives DAMON's files to another user for the lifetime of the object, so that only a process with
// CAP_DAC_OVERRIDE can write them.
class DamonFilesOfAnotherUser {
  public:
    DamonFilesOfAnotherUser();  // throws std::system_error
    ~DamonFilesOfAnotherUser();
    DamonFilesOfAnotherUser(const DamonFilesOfAnotherUser&) = delete;
    DamonFilesOfAnotherUser& operator=(const DamonFilesOfAnotherUser&) = delete;
};

}  // namespace vnuma::lab
