// The QEMU process of a lab host: its command line and its life.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/process/child.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "integration/lab/machine.hpp"

namespace vnuma::lab {

// Files of one run, in a directory that is removed at the end unless kept.
class RunDirectory {
  public:
    RunDirectory();
    ~RunDirectory();
    RunDirectory(const RunDirectory&) = delete;
    RunDirectory& operator=(const RunDirectory&) = delete;

    std::filesystem::path initramfs() const { return path_ / "initramfs.cpio"; }
    std::filesystem::path kernel() const { return path_ / "vmlinux"; }
    std::filesystem::path balloon_driver() const { return path_ / "virtio_balloon.ko"; }
    std::filesystem::path console() const { return path_ / "console.log"; }
    std::filesystem::path errors() const { return path_ / "qemu.log"; }
    std::filesystem::path port() const { return path_ / "port.sock"; }
    std::filesystem::path monitor() const { return path_ / "qmp.sock"; }

    // Removes all but the logs, and keeps those.
    void keep_logs();

  private:
    std::filesystem::path path_;
    bool keep_ = false;
};

// The kernel and the initramfs, and the driver of the balloon for guests.
void write_boot_files(const RunDirectory& files, const MachineOptions& options);

std::vector<std::string> qemu_arguments(const MachineOptions& options, const RunDirectory& files);

class Qemu {
  public:
    Qemu(boost::asio::io_context& context, const MachineOptions& options,
         const RunDirectory& files);
    ~Qemu();  // kills what still runs, and reaps it
    Qemu(const Qemu&) = delete;
    Qemu& operator=(const Qemu&) = delete;

    // Returns once the process has ended.
    boost::asio::awaitable<void> ended();

  private:
    // Shared with the handler of the process' end, which may come after we have gone.
    std::shared_ptr<boost::asio::steady_timer> exit_;
    boost::process::child child_;
};

}  // namespace vnuma::lab
