#include "src/ctl/context.hpp"

#include <unistd.h>

#include <chrono>
#include <iostream>

#include "src/ctl/prose.hpp"

namespace vnuma::ctl {

Connection& Context::connection() {
    if (!connection_) connection_.emplace(sockets());
    return *connection_;
}

std::vector<std::string> Context::sockets() const {
    const char* environment = std::getenv("VNUMACTL_CONNECT");
    return sockets_to_try(options.socket, environment ? environment : "");
}

Terminal Context::terminal() const {
    Terminal terminal = find_terminal(STDOUT_FILENO);
    terminal.headers = !options.no_headers;
    return terminal;
}

void Context::print(std::string_view text) const {
    std::cout << text << std::flush;
    if (!std::cout) throw Failed("the output cannot be written");
}

void Context::print_json(const nlohmann::json& reply) const {
    print(pretty(reply) + "\n");
}

void Context::say(std::string_view sentence) const {
    if (!options.quiet) print(paragraph(sentence, terminal()));
}

std::string pretty(const nlohmann::json& json) {
    return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::int64_t now_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace vnuma::ctl
