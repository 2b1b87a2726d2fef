#include "integration/lab/qemu.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/process/args.hpp>
#include <boost/process/async.hpp>
#include <boost/process/extend.hpp>
#include <boost/process/io.hpp>
#include <csignal>
#include <fstream>
#include <stdexcept>

#include "integration/lab/archive.hpp"
#include "integration/lab/init.hpp"
#include "integration/lab/kernel.hpp"

namespace vnuma::lab {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
namespace process = boost::process;

constexpr const char* busybox = "/bin/busybox";

// What the host needs to see the caller's files and to run KVM guests. First what makes patched
// kernel code safe here, see integration/lab/poke_twice.
const std::vector<std::string> host_modules{
    "vnuma_poke_twice", "9p", "9pnet_virtio", "overlay", "kvm_amd", "vhost_net", "tun"};

void write_file(const fs::path& file, const std::string& bytes) {
    std::ofstream out(file, std::ios::binary);
    if (!(out << bytes).flush()) throw std::runtime_error(file.string() + " cannot be written");
}

}  // namespace

RunDirectory::RunDirectory() {
    std::string pattern = (fs::temp_directory_path() / "vnuma-lab.XXXXXX").string();
    if (!::mkdtemp(pattern.data()))
        throw std::system_error(errno, std::generic_category(), pattern);
    path_ = pattern;
}

RunDirectory::~RunDirectory() {
    std::error_code ignored;
    if (!keep_) fs::remove_all(path_, ignored);
}

void RunDirectory::keep_logs() {
    keep_ = true;
    std::error_code ignored;
    for (const fs::path& file : {initramfs(), kernel(), balloon_driver(), port(), monitor()})
        fs::remove(file, ignored);
}

void write_boot_files(const RunDirectory& run, const MachineOptions& options) {
    const Kernel kernel(options.kernel_root);
    write_file(run.kernel(), kernel.unpacked());
    for (const Module& module : kernel.modules({"virtio_balloon"}))
        write_file(run.balloon_driver(), module.image);
    std::vector<InitramfsFile> files{{"init", init_script},
                                     {"bin/busybox", read_compressed(busybox)},
                                     {"agent", options.agent.string() + "\n"}};
    std::string order;
    for (Module& module : kernel.modules(host_modules)) {
        order += module.name + "\n";
        files.push_back({"modules/" + module.name + ".ko", std::move(module.image)});
    }
    files.push_back({"modules/order", order});
    write_initramfs(run.initramfs(), files);
}

std::vector<std::string> qemu_arguments(const MachineOptions& options, const RunDirectory& files) {
    std::vector<std::string> arguments{
        "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-machine", "q35",
        // Emulated SVM with nested paging is what gives the host a real KVM of its own.
        "-accel", "tcg,thread=multi", "-cpu", "EPYC,+svm,+npt", "-bios", "qboot.rom", "-kernel",
        files.kernel().string(), "-initrd", files.initramfs().string(), "-append",
        std::string("console=ttyS0 panic=-1 oops=panic nowatchdog rdinit=/init ") + quick_boot,
        "-serial", "file:" + files.console().string(), "-chardev",
        "socket,id=qmp,server=on,wait=off,path=" + files.monitor().string(), "-mon",
        "chardev=qmp,mode=control", "-virtfs",
        "local,path=/,mount_tag=root0,security_model=none,readonly=on,multidevs=remap", "-device",
        "virtio-serial-pci", "-chardev", "socket,id=port,path=" + files.port().string(), "-device",
        std::string("virtserialport,chardev=port,name=") + port_name, "-object",
        "rng-random,id=rng,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng"};
    if (!options.firmware.empty())
        for (const char* directory : {"share/qemu", "share/seabios"})
            arguments.insert(arguments.end(), {"-L", (options.firmware / directory).string()});
    const std::vector<std::string> shape = qemu_options(options.topology);
    arguments.insert(arguments.end(), shape.begin(), shape.end());
    return arguments;
}

Qemu::Qemu(asio::io_context& context, const MachineOptions& options, const RunDirectory& files)
    : exit_(std::make_shared<asio::steady_timer>(context,
                                                 std::chrono::steady_clock::time_point::max())),
      child_(
          options.emulator.string(), process::args = qemu_arguments(options, files),
          process::std_in<process::null, process::std_out> process::null,
          process::std_err > files.errors().string(), context,
          process::on_exit = [exit = exit_](int,
                                            const std::error_code&) { exit->expires_after({}); },
          process::extend::on_exec_setup = [](auto&) { ::prctl(PR_SET_PDEATHSIG, SIGKILL); }) {}

Qemu::~Qemu() {
    std::error_code ignored;
    if (child_.running(ignored)) child_.terminate(ignored);
}

asio::awaitable<void> Qemu::ended() {
    boost::system::error_code ignored;
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    while (exit_->expiry() == std::chrono::steady_clock::time_point::max())
        co_await exit_->async_wait(token);
}

}  // namespace vnuma::lab
