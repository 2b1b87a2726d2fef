// Fuzzes the server's side of a QMP conversation with received bytes, once in one piece and twice
// in several. Each time the requests and the answers must be the same, and each line that is sent
// must be JSON that is a greeting, a return or an error with the id of its request.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "qmp/outline.hpp"
#include "qmp/server_session.hpp"

using namespace vnuma::qmp;
using nlohmann::json;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

struct Seen {
    std::vector<std::string> requests;
    std::string sent;
    bool over = false;
    bool operator==(const Seen&) const = default;
};

// Takes all requests that have arrived, and answers every other one with an error.
void drain(ServerSession& session, Seen& seen) {
    while (auto received = session.next()) {
        if (const auto* request = std::get_if<Request>(&*received)) {
            require(session.negotiated());
            require(request->arguments.is_object());
            require(!request->id || request->id->dump().size() <= max_id_bytes);
            seen.requests.push_back(request->command + " " + request->arguments.dump());
            session.send(seen.requests.size() % 2 == 0
                             ? encode_refusal(request->id, "Refused", quotable(request->command))
                             : encode_reply(request->id, {{"command", request->command}}));
        }
        seen.sent += session.take_outgoing();
    }
}

// `step` determines the lengths of the pieces; 0 means one piece.
Seen converse(std::string_view bytes, std::size_t step) {
    ServerSession session("vnumad", "1.2.3");
    Seen seen;
    while (!bytes.empty() && !session.over()) {
        const std::size_t size =
            step == 0 ? bytes.size()
                      : std::min(bytes.size(),
                                 1 + (step + static_cast<unsigned char>(bytes[0])) % (4 * step));
        session.feed(bytes.substr(0, size));
        bytes.remove_prefix(size);
        drain(session, seen);
    }
    seen.sent += session.take_outgoing();
    seen.over = session.over();
    return seen;
}

void check_lines(std::string_view sent) {
    bool first = true;
    while (!sent.empty()) {
        const std::size_t end = sent.find("\r\n");
        require(end != std::string_view::npos);
        require(sent.find('\n') == end + 1);
        const json line = json::parse(sent.substr(0, end), nullptr, false);
        require(line.is_object());
        require(line.contains("QMP") == first);
        require(first || line.contains("return") != line.contains("error"));
        require(!outline_of(sent.substr(0, end)).too_deep);
        first = false;
        sent.remove_prefix(end + 2);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const Seen whole = converse(bytes, 0);
    require(converse(bytes, 1) == whole);
    require(converse(bytes, 1 + size % 97) == whole);
    check_lines(whole.sent);
    // The same after a negotiation, which a fuzzer seldom finds.
    const std::string negotiated = "{\"execute\":\"qmp_capabilities\"}\n" + std::string(bytes);
    check_lines(converse(negotiated, 1 + size % 97).sent);
    return 0;
}
