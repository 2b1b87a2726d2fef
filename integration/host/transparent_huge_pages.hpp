// The host's mode of transparent huge pages; what it was comes back when this ends.
#pragma once

#include <string>

namespace vnuma::lab {

class TransparentHugePages {
  public:
    // "always", "madvise" or "never": of memory that is touched from now on. Throws
    // std::system_error.
    explicit TransparentHugePages(const std::string& mode);
    ~TransparentHugePages();
    TransparentHugePages(const TransparentHugePages&) = delete;
    TransparentHugePages& operator=(const TransparentHugePages&) = delete;

  private:
    std::string before_;
};

}  // namespace vnuma::lab
