// What the verbs of vnumactl have in common: global options, the connection, the output.
#pragma once

#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "src/ctl/connection.hpp"
#include "src/ctl/terminal.hpp"

namespace vnuma::ctl {

inline constexpr int exit_done = EXIT_SUCCESS;
inline constexpr int exit_failed = 1;  // also: the daemon refused
inline constexpr int exit_usage = 2;

// The command line makes no sense. what() is a sentence without its end.
struct UsageError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// What was to be done could not be done. what() is a sentence without its end.
struct Failed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct GlobalOptions {
    std::string socket;
    bool quiet = false;
    bool no_headers = false;
    bool json = false;
};

class Context {
  public:
    GlobalOptions options;
    // The verb that the command line has, with its options. Returns the exit status.
    std::function<int()> run;

    Connection& connection();
    // Those that the connection tries, in this order.
    std::vector<std::string> sockets() const;

    // Of the standard output, with the width that it has now.
    Terminal terminal() const;
    void print(std::string_view text) const;
    void print_json(const nlohmann::json& reply) const;  // as --json does
    // What was done, unless --quiet. A sentence with its end.
    void say(std::string_view sentence) const;

  private:
    std::optional<Connection> connection_;
};

// JSON as text, with two spaces for each level. Its objects are sorted by key.
std::string pretty(const nlohmann::json& json);

std::int64_t now_ms();  // since 1970

}  // namespace vnuma::ctl
