#include "src/metrics/endpoint.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "tests/temporary.hpp"

namespace vnuma {
namespace {

namespace asio = boost::asio;

TEST(MetricsAddress, IsAPathOrALoopbackAddressWithAPort) {
    for (const char* text : {"127.0.0.1:9177", "[::1]:9177", "127.3.2.1:1", "/run/vnumad/m.sock"})
        EXPECT_EQ(MetricsAddress{text}.problem(), "") << text;
    for (const char* text : {"", "9177", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "0.0.0.0:1",
                             "192.168.0.1:9177", "localhost:9177", "127.0.0.1:9x", "[::]:9177"})
        EXPECT_NE(MetricsAddress{text}.problem(), "") << text;
    EXPECT_NE(MetricsAddress{"/" + std::string(200, 'a')}.problem(), "");
}

// An endpoint on a thread of its own.
class Endpoint {
  public:
    explicit Endpoint(const std::string& address)
        : endpoint_(context_.get_executor(), {address}, [] { return "metric 1\n"; }),
          port_(address.starts_with('/') ? 0 : endpoint_.port()) {
        endpoint_.start();
        thread_ = std::thread([this] { context_.run(); });
    }
    ~Endpoint() {
        asio::post(context_, [this] { endpoint_.stop(); });
        thread_.join();
    }
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;

    unsigned short port() const { return port_; }

  private:
    asio::io_context context_{1};
    MetricsEndpoint endpoint_;
    unsigned short port_;
    std::thread thread_;
};

template <typename Socket>
std::string read_all(Socket& socket) {
    std::string reply;
    boost::system::error_code end;
    asio::read(socket, asio::dynamic_buffer(reply), end);
    return reply;
}

std::string ask(unsigned short port, const std::string& request) {
    asio::io_context context;
    asio::ip::tcp::socket socket(context);
    socket.connect({asio::ip::address_v4::loopback(), port});
    asio::write(socket, asio::buffer(request));
    return read_all(socket);
}

TEST(MetricsEndpoint, AnswersPrometheus) {
    const Endpoint endpoint("127.0.0.1:0");
    const std::string reply = ask(endpoint.port(), "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 200")) << reply;
    EXPECT_NE(reply.find("text/plain; version=0.0.4"), std::string::npos) << reply;
    EXPECT_TRUE(reply.ends_with("\r\n\r\nmetric 1\n")) << reply;
}

TEST(MetricsEndpoint, RefusesAllElse) {
    const Endpoint endpoint("127.0.0.1:0");
    const auto status = [&](const std::string& request) {
        const std::string reply = ask(endpoint.port(), request);
        return reply.size() < 12 ? reply : reply.substr(9, 3);
    };
    EXPECT_EQ(status("GET / HTTP/1.1\r\n\r\n"), "404");
    EXPECT_EQ(status("DELETE /metrics HTTP/1.1\r\n\r\n"), "405");
    EXPECT_EQ(status("no HTTP at all\r\n\r\n"), "");
    EXPECT_EQ(status("GET /metrics HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n"), "");
    EXPECT_EQ(status("GET /metrics HTTP/1.1\r\n\r\n"), "200") << "the next one is served";
}

TEST(MetricsEndpoint, HasALimitOfConnections) {
    const Endpoint endpoint("127.0.0.1:0");
    asio::io_context context;
    std::vector<asio::ip::tcp::socket> open;
    for (std::size_t i = 0; i < endpoint_limits::connections; ++i) {
        open.emplace_back(context).connect({asio::ip::address_v4::loopback(), endpoint.port()});
    }
    asio::ip::tcp::socket one_more(context);
    one_more.connect({asio::ip::address_v4::loopback(), endpoint.port()});
    EXPECT_EQ(read_all(one_more), "") << "it is closed at once";
}

TEST(MetricsEndpoint, ReplacesASocketThatAProcessHasLeftAndRemovesItsOwn) {
    const test::TemporaryDirectory directory;
    const std::string path = directory.path("metrics.sock");
    {
        asio::io_context context;
        asio::local::stream_protocol::acceptor left(context, path);
    }
    {
        const Endpoint endpoint(path);
        asio::io_context context;
        asio::local::stream_protocol::socket socket(context);
        socket.connect(path);
        struct stat file {};
        ASSERT_EQ(::stat(path.c_str(), &file), 0);
        EXPECT_EQ(file.st_mode & 0777, 0600U);
        asio::write(socket, asio::buffer(std::string("GET /metrics HTTP/1.0\r\n\r\n")));
        EXPECT_NE(read_all(socket).find("metric 1"), std::string::npos);
        EXPECT_THROW(Endpoint{path}, std::system_error) << "somebody listens there";
    }
    EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace vnuma
