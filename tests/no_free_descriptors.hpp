// A process in which nothing can be opened, for the lifetime of the object.
#pragma once

#include <sys/resource.h>

namespace vnuma::test {

class NoFreeDescriptors {
  public:
    NoFreeDescriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const rlimit none{1, before_.rlim_max};  // that of stdin; with 0, poll(2) would fail, too
        ::setrlimit(RLIMIT_NOFILE, &none);
    }
    ~NoFreeDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    NoFreeDescriptors(const NoFreeDescriptors&) = delete;
    NoFreeDescriptors& operator=(const NoFreeDescriptors&) = delete;

  private:
    rlimit before_{};
};

}  // namespace vnuma::test
