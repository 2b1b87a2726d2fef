// One JSON object a line over a Unix socket: the workload's port, and a monitor.
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

    // The next object, or null when none came within the limit; 0: only what is there already.
    nlohmann::json receive(std::chrono::seconds limit);

  private:
    std::string path_;
    int socket_ = -1;
    std::string input_;
};

}  // namespace vnuma::lab
