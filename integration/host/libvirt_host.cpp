#include "integration/host/libvirt_host.hpp"

#include <libvirt/virterror.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "integration/host/files.hpp"
#include "integration/host/process.hpp"

namespace vnuma::lab {
namespace {

constexpr const char* uri = "qemu:///system";
constexpr const char* huge_pages = "/dev/hugepages";
constexpr std::chrono::seconds start_limit{120};
constexpr std::chrono::seconds end_grace{5};

// Root runs everything in a lab host, without AppArmor and systemd.
constexpr const char* qemu_conf =
    "security_driver = \"none\"\n"
    "user = \"root\"\n"
    "group = \"root\"\n"
    "namespaces = []\n"
    "remember_owner = 0\n";

// libvirtd looks up its default user even if another one is configured. Debian's package
// libvirt-daemon-system, which may not be installed, creates that user.
void make_libvirt_user() {
    const std::string passwd = read_text("/etc/passwd"), group = read_text("/etc/group");
    if (passwd.find("\nlibvirt-qemu:") == std::string::npos)
        write_text("/etc/passwd", passwd + "libvirt-qemu:x:64055:64055::/nonexistent:/bin/false\n");
    if (group.find("\nlibvirt-qemu:") == std::string::npos)
        write_text("/etc/group", group + "libvirt-qemu:x:64055:\n");
}

// libvirtd looks for the mount when it starts. set_huge_pages() allocates the pages later.
void mount_huge_pages() {
    std::filesystem::create_directories(huge_pages);
    if (::mount("hugetlbfs", huge_pages, "hugetlbfs", 0, "pagesize=2M") != 0 && errno != EBUSY)
        throw std::system_error(errno, std::generic_category(), huge_pages);
}

// The configuration below would turn off security on a machine outside the lab.
void throw_outside_the_lab() {
    if (read_text("/proc/cmdline").find("rdinit=/init") == std::string::npos ||
        !std::getenv("VNUMA_LAB_KERNEL"))
        throw std::runtime_error("this runs inside a lab host only: vnuma-lab run -- PROGRAM");
}

// What every libvirtd of a lab host needs, whichever starts first.
void prepare_host() {
    throw_outside_the_lab();
    make_libvirt_user();
    mount_huge_pages();
    virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});
}

}  // namespace

std::string libvirt_error() {
    const virError* error = virGetLastError();
    return error && error->message ? error->message : "libvirt gave no reason";
}

LibvirtHost::LibvirtHost() {
    prepare_host();
    write_text("/etc/libvirt/qemu.conf", qemu_conf);
    write_text("/etc/libvirt/libvirtd.conf", "auth_unix_rw = \"none\"\nauth_unix_ro = \"none\"\n");
    logd_ = start_program({"virtlogd"}, "/run/virtlogd.log");
    start_libvirtd();
}

void LibvirtHost::end_libvirtd(int signal) {
    // Closing the connection after libvirtd has died would raise SIGPIPE.
    virConnectClose(connection_);
    connection_ = nullptr;
    ::kill(libvirtd_, signal);
    ::waitpid(libvirtd_, nullptr, 0);
    libvirtd_ = -1;
}

void LibvirtHost::start_libvirtd() {
    libvirtd_ = start_program({"libvirtd"}, "/run/libvirtd.log");
    wait_until([&] { return (connection_ = virConnectOpen(uri)) != nullptr; }, start_limit);
    if (!connection_)
        throw std::runtime_error("libvirtd did not answer: " + libvirt_error() + "\n" +
                                 read_text("/run/libvirtd.log"));
}

LibvirtHost::~LibvirtHost() {
    if (connection_) virConnectClose(connection_);
    end_program(libvirtd_, end_grace);
    end_program(logd_, end_grace);
}

SecondLibvirtd::SecondLibvirtd() {
    prepare_host();
    const std::string directory = "/run/lab/second/";
    write_text(directory + "qemu.conf", std::string(qemu_conf) + "stdio_handler = \"file\"\n");
    write_text(directory + "libvirtd.conf",
               "auth_unix_rw = \"none\"\nauth_unix_ro = \"none\"\nunix_sock_dir = \"" + directory +
                   "\"\nhost_uuid = \"5ec0d5ec-05ec-4d5e-8c0d-5ec0d5ec0d5e\"\n");
    const std::string script =
        "hostname second && cd " + directory +
        " && for directory in /etc/libvirt /run/libvirt /var/lib/libvirt /var/cache/libvirt"
        " /var/log/libvirt; do mkdir -p $directory && mount -t tmpfs tmpfs $directory; done"
        " && cp qemu.conf /etc/libvirt"
        " && exec libvirtd --config $PWD/libvirtd.conf --pid-file $PWD/pid";
    const std::string log = directory + "log";
    libvirtd_ = start_program({"unshare", "-m", "-u", "sh", "-c", script}, log);
    root_ = "/proc/" + std::to_string(libvirtd_) + "/root";
    const std::string second = "qemu+unix:///system?socket=" + directory + "libvirt-sock";
    wait_until([&] { return (connection_ = virConnectOpen(second.c_str())) != nullptr; },
               start_limit);
    if (!connection_)
        throw std::runtime_error("the second libvirtd did not answer: " + libvirt_error() + "\n" +
                                 read_text(log));
}

SecondLibvirtd::~SecondLibvirtd() {
    if (connection_) virConnectClose(connection_);
    end_program(libvirtd_, end_grace);
}

pid_t Libvirtd::domain_pid(const std::string& name) const {
    const std::string text = read_text(root_ + "/run/libvirt/qemu/" + name + ".pid");
    return text.empty() ? -1 : std::atoi(text.c_str());
}

}  // namespace vnuma::lab
