// The kernel threads of DAMON, and who else may have some.
#pragma once

#include <sys/types.h>

namespace vnuma::lab {

int kdamonds();

// By DAMON, whoever told it to.
bool is_monitored(pid_t pid);

// A kdamond that someone else has, for as long as this lives.
class KdamondOfAnotherProgram {
  public:
    KdamondOfAnotherProgram();  // throws std::system_error
    ~KdamondOfAnotherProgram();
    KdamondOfAnotherProgram(const KdamondOfAnotherProgram&) = delete;
    KdamondOfAnotherProgram& operator=(const KdamondOfAnotherProgram&) = delete;
};

// DAMON's files are another user's for as long as this lives: only who may pass over permissions
// can write them.
class DamonFilesOfAnotherUser {
  public:
    DamonFilesOfAnotherUser();  // throws std::system_error
    ~DamonFilesOfAnotherUser();
    DamonFilesOfAnotherUser(const DamonFilesOfAnotherUser&) = delete;
    DamonFilesOfAnotherUser& operator=(const DamonFilesOfAnotherUser&) = delete;
};

}  // namespace vnuma::lab
