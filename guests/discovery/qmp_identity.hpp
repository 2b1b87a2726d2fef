// Whether the process that a QMP socket names is the guest's QEMU.
//
// The kernel names the process that called listen(2) on the socket. That process may have ended,
// and another one may have its number now; or it may be no QEMU. So a guest is acted on only if
// nobody but root, or vnumad's own user, can have made the socket for another process than its own,
// and if the process holds both the socket and a virtual machine.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "guests/process/file_descriptor.hpp"
#include "guests/process/process.hpp"

namespace vnuma {

// Target of the link in /proc/PID/fd of a process that holds a KVM virtual machine.
inline constexpr const char* kvm_vm_file = "anon_inode:kvm-vm";

// A file of the directory, opened without following a link.
class QmpSocketFile {
  public:
    // Throws std::system_error.
    QmpSocketFile(const std::string& directory, const std::string& name);

    // A path that leads to this very file, whatever has replaced it in the directory since.
    std::string address() const { return "/proc/self/fd/" + std::to_string(file_.get()); }

    bool is_symbolic_link() const { return is_symbolic_link_; }
    uid_t owner() const { return owner_; }
    uid_t directory_owner() const { return directory_owner_; }
    // Whether others than its owner may write to the directory.
    bool is_directory_writable() const { return is_directory_writable_; }
    const std::string& name() const { return name_; }
    FileId id() const { return id_; }

  private:
    std::string name_;
    FileDescriptor file_;
    FileId id_;
    bool is_symbolic_link_, is_directory_writable_;
    uid_t owner_, directory_owner_;
};

// What vnumad knows of a connection and of the process that the kernel names as its peer.
struct QmpPeerFacts {
    uid_t own_user = 0;  // vnumad's
    uid_t directory_owner = 0;
    bool directory_writable = false;  // for others than its owner
    uid_t socket_owner = 0;
    std::uint64_t connected = 0;  // clock ticks since boot, just before the connection was made

    bool found = false;         // the process was there just after the connection was made
    uid_t user = 0;             // its effective user
    std::uint64_t started = 0;  // clock ticks since boot
    bool files_known = false;   // its open files could be read
    bool holds_vm = false, holds_socket = false;
};

// Why the peer may not be acted on; empty if it may. Pure.
std::string why_not_trusted(const QmpPeerFacts& facts);

// Clock ticks since boot, as in /proc/PID/stat.
std::uint64_t read_clock_ticks();

// The facts about a file, just before it is connected to.
QmpPeerFacts read_socket_facts(const QmpSocketFile& socket);
// Adds the facts about the process.
void read_process_facts(const Process& process, const QmpSocketFile& socket,
                        const std::string& vm_file, QmpPeerFacts& facts);

// Whether the process has a file open that shows as `vm_file`.
bool holds_vm(const Process& process, const std::string& vm_file);

}  // namespace vnuma
