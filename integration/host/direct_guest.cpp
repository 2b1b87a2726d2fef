#include "integration/host/direct_guest.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "integration/host/files.hpp"
#include "integration/host/process.hpp"

namespace vnuma::lab {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr const char* qmp_directory = "/run/lab/qmp";  // the same as in qmp_config
constexpr seconds start_limit{60};
constexpr seconds reply_limit{60};
constexpr seconds end_grace{5};

std::string new_uuid() {
    std::string uuid = read_text("/proc/sys/kernel/random/uuid");
    uuid.erase(uuid.find('\n'));
    return uuid;
}

std::string mib(int size) {
    return std::to_string(size) + "M";
}

// Of the directories in which QEMU makes files when it starts.
void set_owner(uid_t user) {
    for (const char* directory : {"/run/lab", qmp_directory})
        if (::chown(directory, user, user) != 0)
            throw std::system_error(errno, std::generic_category(), directory);
}

// The kernel's own directory may be closed to other users.
std::string kernel_for_all_users() {
    const std::filesystem::path copy = "/run/lab/guest-kernel";
    std::filesystem::copy_file(guest_kernel(), copy, std::filesystem::copy_options::skip_existing);
    std::filesystem::permissions(copy, std::filesystem::perms(0644));
    return copy;
}

std::string listening(const std::string& socket) {
    return "unix:" + socket + ",server=on,wait=off";
}

}  // namespace

DirectGuest::DirectGuest(GuestShape shape, uid_t user)
    : RunningGuest(std::move(shape)), user_(user), uuid_(new_uuid()) {
    start();
}

DirectGuest::~DirectGuest() {
    end();
}

std::string DirectGuest::file(const std::string& suffix) const {
    return "/run/lab/" + name() + suffix;
}

// With -no-reboot QEMU exits when the machine is reset.
bool DirectGuest::was_reset() {
    siginfo_t ended{};
    return pid_ > 0 &&
           ::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           ended.si_pid == pid_ && ended.si_code == CLD_EXITED;
}

std::string DirectGuest::log() {
    std::string text = read_text(file(".log"));
    for (json event; !(event = monitor_.receive(seconds(0))).is_null();)
        text += event.dump() + "\n";
    return text;
}

std::vector<std::string> DirectGuest::arguments() const {
    const std::string id = std::to_string(user_);
    std::vector<std::string> words{
        "setpriv",
        "--reuid",
        id,
        "--regid",
        id,
        "--clear-groups",
        "/usr/bin/qemu-system-x86_64",
        "-nodefaults",
        "-no-user-config",
        "-no-reboot",
        "-S",
        "-display",
        "none",
        "-machine",
        "q35",
        "-accel",
        "kvm",
        "-cpu",
        "host",
        "-name",
        name(),
        "-uuid",
        uuid_,
        "-smp",
        std::to_string(vcpus_of(shape())),
        "-m",
        mib(mib_of(shape())),
        "-bios",
        guest_firmware,
        "-kernel",
        user_ == 0 ? guest_kernel() : kernel_for_all_users(),
        "-initrd",
        guest_initramfs(),
        "-append",
        guest_command_line(),
        "-serial",
        "file:" + console_of(shape()),
        "-qmp",
        listening(std::string(qmp_directory) + "/" + name() + ".sock"),
        "-qmp",
        listening(file(".monitor")),
        "-device",
        "virtio-serial-pci",
        "-chardev",
        "socket,id=port,server=on,wait=off,path=" + workload_socket_of(shape()),
        "-device",
        "virtserialport,chardev=port,name=org.vnumad.guest"};
    if (shape().has_balloon) words.insert(words.end(), {"-device", "virtio-balloon-pci"});
    for (std::size_t id = 0; id < shape().cells.size(); ++id) {
        const GuestCell& cell = shape().cells[id];
        const std::string ram = "ram-node" + std::to_string(id);
        const int first = first_vcpu_of(shape(), id);
        words.insert(words.end(),
                     {"-object", "memory-backend-ram,id=" + ram + ",size=" + mib(cell.mib), "-numa",
                      "node,nodeid=" + std::to_string(id) + ",cpus=" + std::to_string(first) + "-" +
                          std::to_string(first + cell.vcpus - 1) + ",memdev=" + ram});
    }
    return words;
}

void DirectGuest::create() {
    std::filesystem::create_directories(qmp_directory);
    // Nobody else uses a lab host.
    std::filesystem::permissions("/dev/kvm", std::filesystem::perms(0666));
    set_owner(user_);
    pid_ = start_program(arguments(), file(".log"));
    const auto answers = [&] {
        try {
            monitor_.connect(file(".monitor"));
            return true;
        } catch (const std::runtime_error&) {
            return false;
        }
    };
    if (!wait_until(answers, start_limit))
        throw std::runtime_error(name() + " did not start: " + log());
    execute("qmp_capabilities");  // answered when QEMU has made all of its files
    set_owner(0);
    for (const json& vcpu : execute("query-cpus-fast"))
        threads_[vcpu.at("cpu-index")] = vcpu.at("thread-id");
}

void DirectGuest::resume_vcpus() {
    execute("cont");
}

void DirectGuest::destroy() {
    monitor_.close();
    threads_.clear();
    end_program(pid_, end_grace);
    pid_ = -1;
}

json DirectGuest::execute(const std::string& command, const json& arguments) {
    monitor_.send({{"execute", command}, {"arguments", arguments}});
    while (true) {
        const json message = monitor_.receive(reply_limit);
        if (message.contains("return")) return message["return"];
        if (message.is_null() || message.contains("error"))
            throw std::runtime_error(name() + ": " + command + ": " + message.dump());
    }
}

}  // namespace vnuma::lab
