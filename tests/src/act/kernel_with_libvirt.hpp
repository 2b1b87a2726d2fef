// The kernel of this machine, and a libvirt that knows one thread. Its pin is in a file, so that it
// survives the process that has set it, as in libvirtd.
#pragma once

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "policy/model/number_list.hpp"
#include "src/act/kernel_calls.hpp"

namespace vnuma::test {

class KernelWithLibvirt : public Kernel {
  public:
    KernelWithLibvirt(std::string file, ThreadIdentity thread)
        : file_(std::move(file)), thread_(thread) {}

    // What libvirt tells of a thread that it has not pinned.
    static std::vector<int> without_pin() {
        std::vector<int> all(64);
        std::iota(all.begin(), all.end(), 0);
        return all;
    }

    std::vector<int> pin() const {
        std::ifstream in(file_);
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        return text.empty() ? without_pin() : *parse_number_list(text);
    }
    void set_pin(const std::vector<int>& cpus) {
        std::ofstream(file_) << format_number_list(cpus);
        kernel_->set_affinity(thread_, cpus);
    }

    // What calls reply instead of doing their work, if there is an error.
    std::function<PinReply()> fail_reading = [] { return PinReply(); };
    std::function<PinReply()> fail_setting = [] { return PinReply(); };

    PinReply read_libvirt_pin(const std::string&, DomainThread) override {
        PinReply reply = fail_reading();
        if (reply.error.empty()) reply.cpus = pin();
        return reply;
    }
    // Calls that set a pin wait in libvirtd, as behind a job of the guest. They have their effect
    // in the order in which they were made, also when whoever has made them has ended.
    void hold_calls() { are_held_ = true; }
    void let_calls_go() {
        are_held_ = false;
        for (const std::vector<int>& cpus : std::exchange(held_, {}))
            set_pin(cpus);
    }

    PinReply set_libvirt_pin(const std::string&, DomainThread,
                             const std::vector<int>& cpus) override {
        if (are_held_) {
            held_.push_back(cpus);
            return {"libvirt has not answered", false};
        }
        PinReply reply = fail_setting();
        if (reply.error.empty()) set_pin(cpus);
        return reply;
    }

    bool acts() const override { return true; }
    bool is_alive(const Process& process) override { return kernel_->is_alive(process); }
    std::optional<ThreadCpus> read_cpus(const ThreadIdentity& thread) override {
        return kernel_->read_cpus(thread);
    }
    int find_life(const ThreadIdentity& thread) override { return kernel_->find_life(thread); }
    std::vector<ThreadIdentity> read_threads(const ThreadIdentity& process) override {
        return kernel_->read_threads(process);
    }
    CallResult set_affinity(const ThreadIdentity& thread, const std::vector<int>& cpus) override {
        return kernel_->set_affinity(thread, cpus);
    }

    // Pins need none of these.
    int read_page_nodes(const Process&, std::span<const std::uint64_t>, std::span<int>) override {
        return ENOSYS;
    }
    Bytes read_available(int) override { return 0; }
    CallResult move_pages(const Process&, std::span<const std::uint64_t>, int) override {
        return {ENOSYS, {}};
    }
    Bytes read_high_watermark(int) override { return 0; }
    Bytes read_unreserved_huge(int, Bytes) override { return 0; }
    HostPressure read_host_pressure() override { return {}; }
    std::optional<SchedStat> read_times(const Process&, pid_t) override { return {}; }
    std::optional<Pressure> read_stalls(const Process&, pid_t) override { return {}; }

  private:
    std::string file_;
    ThreadIdentity thread_;
    std::unique_ptr<Kernel> kernel_ = open_kernel();
    bool are_held_ = false;
    std::vector<std::vector<int>> held_;
};

}  // namespace vnuma::test
