// The domains libvirt runs. Calls block: use from a worker thread, one at a time.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace vnuma {

// libvirt cannot be reached, or refuses; what() carries its own words.
struct LibvirtError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct RunningDomain {
    std::string uuid;
    std::string name;
    std::string unsteady;  // "is migrating", ...; empty when it simply runs
    std::string xml;
};

class Libvirt {
  public:
    explicit Libvirt(std::string uri);
    ~Libvirt();
    Libvirt(const Libvirt&) = delete;
    Libvirt& operator=(const Libvirt&) = delete;

    // Every domain that has a process. Connects first if there is no connection, and drops it on
    // an error, so that the next call starts afresh. Domains that vanish meanwhile are left out.
    // Throws LibvirtError.
    std::vector<RunningDomain> list();

  private:
    struct Connection;
    std::string uri_;
    std::unique_ptr<Connection> connection_;
};

}  // namespace vnuma
