// A Unix socket that carries one JSON object per line: a workload's port or a QEMU monitor.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

namespace vnuma::lab {

class JsonSocket {
  public:
    JsonSocket() = default;
    ~JsonSocket() { close(); }
    JsonSocket(const JsonSocket&) = delete;
    JsonSocket& operator=(const JsonSocket&) = delete;

    void connect(const std::string& path);     // throws std::runtime_error
    void send(const nlohmann::json& message);  // throws std::runtime_error
    void close();

    // The next object, or null if none arrives within the limit. A limit of 0 does not wait.
    nlohmann::json receive(std::chrono::seconds limit);

  private:
    std::string path_;
    int socket_ = -1;
    std::string input_;
};

}  // namespace vnuma::lab
