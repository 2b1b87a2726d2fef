// Sets the host's mode of transparent huge pages for the lifetime of an object.
#pragma once

#include <string>

namespace vnuma::lab {

class TransparentHugePages {
  public:
    // `mode` is "always", "madvise" or "never", and applies to memory that is allocated from now
    // on. Throws std::system_error.
    explicit TransparentHugePages(const std::string& mode);
    ~TransparentHugePages();
    TransparentHugePages(const TransparentHugePages&) = delete;
    TransparentHugePages& operator=(const TransparentHugePages&) = delete;

  private:
    std::string before_;
};

}  // namespace vnuma::lab
