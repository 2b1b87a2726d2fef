// Guests that QEMU runs without libvirt: a directory with one QMP socket for each.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "guests/discovery/guest_source.hpp"
#include "guests/model/listed_guest.hpp"

namespace vnuma {

class QmpSource : public GuestSource {
  public:
    // A monitor that takes longer is given up until it answers; nobody else waits for it.
    static constexpr std::chrono::milliseconds answer_limit{1000};
    static constexpr std::size_t max_sockets = 4096;

    explicit QmpSource(std::string directory);
    ~QmpSource() override;

    const char* name() const override { return "qmp"; }
    std::vector<ListedGuest> list() override;
    bool may_ask_monitor() const override { return true; }
    RamView read_ram_view(const std::string& uuid) override;
    bool start_write_measurement(const std::string& uuid, std::chrono::seconds duration) override;
    WriteMeasurement read_write_measurement(const std::string& uuid) override;
    std::size_t hung_calls() const override { return 0; }

  private:
    class Connection;

    void follow_directory();
    // What `question` finds out, given the guest's link and its monitor. Throws MonitorError.
    template <typename Question>
    auto ask(const std::string& uuid, Question question);
    // Runs the connections until the condition holds; false when it does not within the limit.
    template <typename Condition>
    bool run_until(Condition condition, std::chrono::milliseconds limit);

    std::string directory_;
    boost::asio::io_context context_{1};
    std::map<std::string, std::unique_ptr<Connection>> connections_;  // by file name
};

}  // namespace vnuma
