// Reading compressed files and writing an initramfs, over libarchive.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace vnuma::lab {

// A file's content, uncompressed if libarchive knows its compression. Throws std::runtime_error.
std::string read_compressed(const std::filesystem::path& file);

struct InitramfsFile {
    std::string path;  // relative, e.g. "bin/busybox"; missing directories are made
    std::string content;
};

// Writes a cpio archive in the kernel's "newc" format; every file is executable.
void write_initramfs(const std::filesystem::path& archive, const std::vector<InitramfsFile>& files);

}  // namespace vnuma::lab
