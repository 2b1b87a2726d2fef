#include "src/config/metrics_address.hpp"

#include <sys/un.h>

#include <boost/asio/ip/address.hpp>
#include <charconv>

namespace vnuma {

std::optional<MetricsAddress::Loopback> MetricsAddress::loopback() const {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos) return std::nullopt;
    Loopback parts{text.substr(0, colon)};
    if (parts.host.starts_with('[') && parts.host.ends_with(']'))
        parts.host = parts.host.substr(1, parts.host.size() - 2);
    const char *begin = text.data() + colon + 1, *end = text.data() + text.size();
    const auto [last, error] = std::from_chars(begin, end, parts.port);
    if (begin == end || error != std::errc() || last != end) return std::nullopt;
    boost::system::error_code no_address;
    const auto address = boost::asio::ip::make_address(parts.host, no_address);
    if (no_address || !address.is_loopback()) return std::nullopt;
    return parts;
}

std::string MetricsAddress::problem() const {
    if (!is_path())
        return loopback() ? ""
                          : "must be an address of the loopback interface with a port, such as "
                            "\"127.0.0.1:9177\", or the path of a socket";
    const std::size_t most = sizeof(sockaddr_un::sun_path) - 1;
    return text.size() <= most ? ""
                               : "must have at most " + std::to_string(most) + " bytes as a path";
}

}  // namespace vnuma
