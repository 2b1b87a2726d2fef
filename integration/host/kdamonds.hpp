// The kernel threads of DAMON, and who else may have some.
#pragma once

#include <sys/types.h>

namespace vnuma::lab {

int kdamonds();

// By DAMON, whoever told it to.
bool is_watched(pid_t pid);

// A kdamond that someone else has, for as long as this lives.
class ForeignKdamond {
  public:
    ForeignKdamond();  // throws std::system_error
    ~ForeignKdamond();
    ForeignKdamond(const ForeignKdamond&) = delete;
    ForeignKdamond& operator=(const ForeignKdamond&) = delete;
};

// DAMON's files are another user's for as long as this lives: only who may pass over permissions
// can write them.
class ForeignDamon {
  public:
    ForeignDamon();  // throws std::system_error
    ~ForeignDamon();
    ForeignDamon(const ForeignDamon&) = delete;
    ForeignDamon& operator=(const ForeignDamon&) = delete;
};

}  // namespace vnuma::lab
