#include "integration/host/direct_guest.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "integration/host/files.hpp"
#include "integration/host/process.hpp"
#include "integration/host/vcpu_activity.hpp"

namespace vnuma::lab {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr const char* qmp_directory = "/run/lab/qmp";  // the same as in qmp_config
constexpr const char* proxmox_directory = "/var/run/qemu-server/";
constexpr const char* proxmox_events = "/var/run/qmeventd.sock";
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

void append(std::vector<std::string>& words, const std::vector<std::string>& more) {
    words.insert(words.end(), more.begin(), more.end());
}

std::string listening(const std::string& socket) {
    return "unix:" + socket + ",server=on,wait=off";
}

// Proxmox VE's daemon that QEMU tells of its events, which nobody reads here. A QEMU that cannot
// connect to it tries again and again, and then its guest hangs in its firmware under emulation.
void listen_for_events() {
    [[maybe_unused]] static const int listener = [] {
        const int made = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::string(proxmox_events).copy(address.sun_path, sizeof address.sun_path - 1);
        if (::bind(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
            ::listen(made, SOMAXCONN) != 0)
            throw std::system_error(errno, std::generic_category(), proxmox_events);
        return made;
    }();
}

}  // namespace

DirectGuest::DirectGuest(GuestShape shape, QemuStart how)
    : RunningGuest(std::move(shape)), start_(how), uuid_(new_uuid()) {
    start();
}

DirectGuest::~DirectGuest() {
    end();
}

std::string DirectGuest::file(const std::string& suffix) const {
    return "/run/lab/" + name() + suffix;
}

std::string DirectGuest::starters_monitor() const {
    return start_.by == Starter::proxmox ? proxmox_directory + name() + ".qmp"
                                         : std::string(qmp_directory) + "/" + name() + ".sock";
}

// With -no-reboot QEMU exits when the machine is reset.
bool DirectGuest::was_reset() {
    siginfo_t ended{};
    return launcher_ > 0 &&
           ::waitid(P_PID, static_cast<id_t>(launcher_), &ended, WEXITED | WNOHANG | WNOWAIT) ==
               0 &&
           ended.si_pid == launcher_ && ended.si_code == CLD_EXITED;
}

std::string DirectGuest::log() {
    std::string text = read_text(file(".log"));
    for (json event; !(event = monitor_.receive(seconds(0))).is_null();)
        text += event.dump() + "\n";
    return text;
}

std::string DirectGuest::describe_vcpus() {
    return vcpu_activity(pid(), [&] {
        try {
            return execute("human-monitor-command", {{"command-line", "info registers -a"}})
                .get<std::string>();
        } catch (const std::runtime_error& error) {
            return std::string(error.what());
        }
    });
}

std::vector<std::string> DirectGuest::launcher() const {
    const std::string id = std::to_string(start_.user);
    std::vector<std::string> words;
    if (start_.container) words = start_.container->launcher();
    append(words, {"setpriv", "--reuid", id, "--regid", id, "--clear-groups"});
    return words;
}

// Proxmox VE writes them like this (`qm showcmd`), with its VM's number in the names of files. Its
// QEMU knows an option -id, too, which others refuse. It also gives -daemonize and -no-shutdown,
// with which a scenario would not see QEMU end.
std::vector<std::string> DirectGuest::identity() const {
    if (start_.by == Starter::script)
        return {"-name", name(), "-uuid", uuid_, "-qmp", listening(starters_monitor())};
    return {"-name",    name() + ",debug-threads=on",
            "-chardev", "socket,id=qmp,path=" + starters_monitor() + ",server=on,wait=off",
            "-mon",     "chardev=qmp,mode=control",
            "-chardev", "socket,id=qmp-event,path=" + std::string(proxmox_events) + ",reconnect=5",
            "-mon",     "chardev=qmp-event,mode=control",
            "-pidfile", proxmox_directory + name() + ".pid",
            "-smbios",  "type=1,uuid=" + uuid_};
}

std::vector<std::string> DirectGuest::machine() const {
    const std::string vcpus = std::to_string(vcpus_of(shape()));
    std::vector<std::string> words{"-machine",
                                   "q35",
                                   "-accel",
                                   "kvm",
                                   "-cpu",
                                   "host",
                                   "-smp",
                                   start_.by == Starter::proxmox
                                       ? vcpus + ",sockets=1,cores=" + vcpus + ",maxcpus=" + vcpus
                                       : vcpus,
                                   "-m",
                                   mib(mib_of(shape()))};
    for (std::size_t id = 0; id < shape().cells.size(); ++id) {
        const GuestCell& cell = shape().cells[id];
        const std::string ram = "ram-node" + std::to_string(id);
        const int first = first_vcpu_of(shape(), id);
        append(words,
               {"-object", "memory-backend-ram,id=" + ram + ",size=" + mib(cell.mib), "-numa",
                "node,nodeid=" + std::to_string(id) + ",cpus=" + std::to_string(first) + "-" +
                    std::to_string(first + cell.vcpus - 1) + ",memdev=" + ram});
    }
    return words;
}

std::vector<std::string> DirectGuest::boot_and_devices() const {
    std::vector<std::string> words{
        "-bios",    guest_firmware,
        "-kernel",  start_.user == 0 ? guest_kernel() : kernel_for_all_users(),
        "-initrd",  guest_initramfs(),
        "-append",  guest_command_line(),
        "-serial",  "file:" + console_of(shape()),
        "-qmp",     listening(file(".monitor")),
        "-device",  "virtio-serial-pci",
        "-chardev", "socket,id=port,server=on,wait=off,path=" + workload_socket_of(shape()),
        "-device",  "virtserialport,chardev=port,name=org.vnumad.guest"};
    if (shape().has_balloon) append(words, {"-device", "virtio-balloon-pci"});
    if (start_.has_tpm)
        append(words, {"-chardev", "socket,id=tpm,path=" + file(".tpm-socket"), "-tpmdev",
                       "emulator,id=tpm0,chardev=tpm", "-device", "tpm-crb,tpmdev=tpm0"});
    return words;
}

std::vector<std::string> DirectGuest::command_line() const {
    std::vector<std::string> words = launcher();
    append(words, {"/usr/bin/qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot",
                   "-S", "-display", "none"});
    for (const auto& part : {identity(), machine(), boot_and_devices()})
        append(words, part);
    return words;
}

void DirectGuest::start_tpm() {
    const std::string state = file(".tpm"), socket = file(".tpm-socket");
    std::filesystem::create_directories(state);
    tpm_ = start_program({"swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + state, "--ctrl",
                          "type=unixio,path=" + socket},
                         file(".tpm-log"));
    if (!wait_until([&] { return std::filesystem::exists(socket); }, start_limit))
        throw std::runtime_error("swtpm did not start: " + read_text(file(".tpm-log")));
}

void DirectGuest::create() {
    for (const char* directory : {qmp_directory, proxmox_directory})
        std::filesystem::create_directories(directory);
    if (start_.by == Starter::proxmox) listen_for_events();
    // Nobody else uses a lab host.
    std::filesystem::permissions("/dev/kvm", std::filesystem::perms(0666));
    set_owner(start_.user);
    if (start_.has_tpm) start_tpm();
    launcher_ = start_program(command_line(), file(".log"));
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
    pid_ = start_.container ? child_of(launcher_) : launcher_;
    for (const json& vcpu : execute("query-cpus-fast"))
        threads_[vcpu.at("cpu-index")] = thread_of(pid_, vcpu.at("thread-id"));
}

void DirectGuest::resume_vcpus() {
    execute("cont");
}

void DirectGuest::destroy() {
    monitor_.close();
    threads_.clear();
    if (start_.container && pid_ > 0) ::kill(pid_, SIGTERM);  // its launcher ends with it
    end_program(launcher_, end_grace);
    if (tpm_ > 0) end_program(tpm_, end_grace);
    launcher_ = pid_ = tpm_ = -1;
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
