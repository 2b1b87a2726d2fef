// Asks vnumad what the model wants to know, also after vnumad was gone.
#pragma once

#include "src/ctl/connection.hpp"
#include "src/ctl/top/model.hpp"

namespace vnuma::ctl::top {

class Asker {
  public:
    // The connection connects again by itself after it was lost.
    explicit Asker(Connection& connection) : connection_(connection) {}

    // Waits for the reply. Whatever goes wrong is a Failure.
    Reply ask(const Request& request);

  private:
    Connection& connection_;
};

}  // namespace vnuma::ctl::top
