#include "src/metrics/endpoint.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <cstring>
#include <set>
#include <system_error>
#include <utility>

namespace vnuma {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::generic::stream_protocol;
using Stream = beast::basic_stream<stream_protocol>;

stream_protocol::endpoint endpoint_of(const MetricsAddress& address) {
    if (address.is_path()) return asio::local::stream_protocol::endpoint(address.text);
    const auto loopback = address.loopback();
    if (!loopback)
        throw std::system_error(std::make_error_code(std::errc::invalid_argument), address.text);
    return asio::ip::tcp::endpoint(asio::ip::make_address(loopback->host), loopback->port);
}

// Only a socket is removed. One that a process listens on stays, since binding to it fails then.
void remove_stale_socket(const std::string& path) {
    struct stat file {};
    if (::lstat(path.c_str(), &file) != 0 || !S_ISSOCK(file.st_mode)) return;
    asio::io_context context;
    asio::local::stream_protocol::socket probe(context);
    boost::system::error_code error;
    probe.connect(path, error);
    if (error == asio::error::connection_refused) ::unlink(path.c_str());
}

// Nobody else but root can connect, whatever the umask: bind(2) makes the file with the mode of the
// socket.
void keep_to_this_user(int socket) {
    if (::fchmod(socket, 0600) != 0)
        throw boost::system::system_error(errno, boost::system::system_category());
}

http::response<http::string_body> answer(const http::request<http::empty_body>& request,
                                         const std::function<std::string()>& text) {
    http::response<http::string_body> response(http::status::ok, 11);
    response.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
    if (request.method() != http::verb::get && request.method() != http::verb::head) {
        response.result(http::status::method_not_allowed);
        response.set(http::field::allow, "GET, HEAD");
    } else if (request.target() != "/metrics") {
        response.result(http::status::not_found);
        response.body() = "the metrics are at /metrics\n";
    } else {
        response.body() = text();
    }
    response.keep_alive(false);
    response.prepare_payload();
    if (request.method() == http::verb::head) response.body().clear();
    return response;
}

// One request and its reply. It keeps itself alive by the handlers of its operations.
class Connection : public std::enable_shared_from_this<Connection> {
  public:
    Connection(stream_protocol::socket socket, std::function<std::string()> text,
               std::function<void(Connection*)> on_end)
        : stream_(std::move(socket)), text_(std::move(text)), on_end_(std::move(on_end)) {}
    ~Connection() { on_end_(this); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void run() {
        parser_.header_limit(endpoint_limits::request_bytes);
        parser_.body_limit(0);
        stream_.expires_after(endpoint_limits::patience);
        http::async_read(stream_, buffer_, parser_,
                         [self = shared_from_this()](beast::error_code error, std::size_t) {
                             if (!error) self->reply();
                         });
    }
    void close() {
        beast::error_code ignored;
        stream_.socket().close(ignored);
    }

  private:
    void reply() {
        response_ = answer(parser_.get(), text_);
        stream_.expires_after(endpoint_limits::patience);
        http::async_write(
            stream_, response_, [self = shared_from_this()](beast::error_code, std::size_t) {
                beast::error_code ignored;
                self->stream_.socket().shutdown(asio::socket_base::shutdown_send, ignored);
            });
    }

    Stream stream_;
    std::function<std::string()> text_;
    std::function<void(Connection*)> on_end_;
    beast::flat_buffer buffer_{endpoint_limits::request_bytes};
    http::request_parser<http::empty_body> parser_;
    http::response<http::string_body> response_;
};

}  // namespace

struct MetricsEndpoint::State : std::enable_shared_from_this<State> {
    State(const asio::any_io_executor& executor, std::function<std::string()> of)
        : acceptor(executor), pause(executor), text(std::move(of)) {}

    void accept() {
        acceptor.async_accept(
            [self = shared_from_this()](beast::error_code error, stream_protocol::socket socket) {
                if (error) return self->accept_later();
                if (self->connections.size() < endpoint_limits::connections)
                    self->serve(std::move(socket));
                self->accept();
            });
    }
    // Where there are no descriptors, there may be some again in a while.
    void accept_later() {
        if (!acceptor.is_open()) return;
        pause.expires_after(endpoint_limits::pause);
        pause.async_wait([self = shared_from_this()](beast::error_code error) {
            if (!error && self->acceptor.is_open()) self->accept();
        });
    }
    void serve(stream_protocol::socket socket) {
        const auto on_end = [weak = weak_from_this()](Connection* connection) {
            if (const auto self = weak.lock()) self->connections.erase(connection);
        };
        const auto connection = std::make_shared<Connection>(std::move(socket), text, on_end);
        connections.insert(connection.get());
        connection->run();
    }

    asio::basic_socket_acceptor<stream_protocol> acceptor;
    asio::steady_timer pause;
    std::function<std::string()> text;
    std::set<Connection*> connections;
    std::string path;  // of a socket that is to be removed; empty for a TCP port
};

MetricsEndpoint::MetricsEndpoint(const asio::any_io_executor& executor,
                                 const MetricsAddress& address, std::function<std::string()> text)
    : state_(std::make_shared<State>(executor, std::move(text))) {
    const stream_protocol::endpoint endpoint = endpoint_of(address);
    auto& acceptor = state_->acceptor;
    try {
        if (address.is_path()) remove_stale_socket(address.text);
        acceptor.open(endpoint.protocol());
        if (address.is_path())
            keep_to_this_user(acceptor.native_handle());
        else
            acceptor.set_option(asio::socket_base::reuse_address(true));
        acceptor.bind(endpoint);
        acceptor.listen();
    } catch (const boost::system::system_error& error) {
        throw std::system_error(error.code(), "metrics.listen = \"" + address.text + "\"");
    }
    if (address.is_path()) state_->path = address.text;
}

MetricsEndpoint::~MetricsEndpoint() {
    stop();
    if (!state_->path.empty()) ::unlink(state_->path.c_str());
}

void MetricsEndpoint::start() {
    state_->accept();
}

void MetricsEndpoint::stop() {
    boost::system::error_code ignored;
    state_->acceptor.close(ignored);
    state_->pause.cancel();
    for (Connection* connection : state_->connections)
        connection->close();
}

unsigned short MetricsEndpoint::port() const {
    const auto endpoint = state_->acceptor.local_endpoint();
    asio::ip::tcp::endpoint tcp;
    tcp.resize(endpoint.size());
    std::memcpy(tcp.data(), endpoint.data(), endpoint.size());
    return tcp.port();
}

}  // namespace vnuma
