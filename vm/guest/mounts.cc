// SPDX-License-Identifier: Apache-2.0
#include "guest/mounts.h"

#include <fcntl.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include "guest/give_up.h"

namespace nsgate::guest {
namespace {

void require(int result, std::string_view step) {
  if (result < 0) give_up(step, errno);
}

/// The initramfs cannot be unmounted or pivoted away, and a process whose root is not the root of
/// its mount namespace may not unshare(CLONE_NEWUSER) (user_namespaces(7)). So the same files are
/// mounted once more, over the root.
void mount_root_on_itself() {
  require(::mount("/", "/newroot", nullptr, MS_BIND, nullptr), "bind / to /newroot");
  require(::chdir("/newroot"), "chdir /newroot");
  require(::mount(".", "/", nullptr, MS_MOVE, nullptr), "move /newroot to /");
  require(::chroot("."), "chroot /newroot");
  require(::chdir("/"), "chdir /");
  require(::rmdir("/newroot"), "rmdir /newroot");
  // As systemd does it on the hosts that the tests are to resemble.
  require(::mount(nullptr, "/", nullptr, MS_REC | MS_SHARED, nullptr), "make / rshared");
}

bool mount_there(const char* type, const char* target, unsigned long flags, const char* data) {
  return ::mount(type, target, type, flags, data) == 0;
}

void must_mount(const char* type, const char* target, unsigned long flags, const char* data) {
  if (mount_there(type, target, flags, data)) return;
  const int error = errno;
  give_up(std::string("mount ") + type + " on " + target, error);
}

struct Device {
  const char* path;
  mode_t mode;
  unsigned major, minor;
};

/// The devices of a system without devtmpfs.
constexpr Device devices[] = {
    {"/dev/full", 0666, 1, 7},   {"/dev/kmsg", 0600, 1, 11},   {"/dev/ptmx", 0666, 5, 2},
    {"/dev/random", 0666, 1, 8}, {"/dev/tty", 0666, 5, 0},     {"/dev/ttyS0", 0600, 4, 64},
    {"/dev/ttyS1", 0600, 4, 65}, {"/dev/urandom", 0666, 1, 9}, {"/dev/zero", 0666, 1, 5},
};

/// A userland, or a kernel's devtmpfs, may have it already.
void make_directory(const char* path) {
  if (::mkdir(path, 0755) != 0 && errno != EEXIST) give_up(std::string("mkdir ") + path, errno);
}

void mount_devices() {
  if (!mount_there("devtmpfs", "/dev", MS_NOSUID, "mode=0755")) {
    if (errno != ENODEV) give_up("mount devtmpfs on /dev", errno);
    for (const auto& device : devices) {
      if (::mknod(device.path, S_IFCHR | device.mode, makedev(device.major, device.minor)) != 0 &&
          errno != EEXIST) {
        give_up(device.path, errno);
      }
      require(::chmod(device.path, device.mode), device.path);
    }
  }
  make_directory("/dev/pts");
  make_directory("/dev/shm");
  must_mount("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "mode=0620,ptmxmode=0666");
  must_mount("tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777");
}

void mount_file_systems() {
  constexpr unsigned long guarded = MS_NOSUID | MS_NODEV;
  must_mount("proc", "/proc", guarded | MS_NOEXEC, nullptr);
  must_mount("sysfs", "/sys", guarded | MS_NOEXEC, nullptr);
  mount_devices();
  must_mount("tmpfs", "/tmp", guarded, "mode=1777");
  must_mount("tmpfs", "/run", guarded, "mode=0755");
  // ENOENT or ENODEV: a kernel without control groups, on which entering namespaces works as well.
  if (!mount_there("cgroup2", "/sys/fs/cgroup", guarded | MS_NOEXEC, nullptr) && errno != ENOENT &&
      errno != ENODEV) {
    give_up("mount cgroup2 on /sys/fs/cgroup", errno);
  }
}

std::string read_all(int fd, const char* path) {
  std::string text;
  std::array<char, 4096> buffer{};
  ssize_t size;
  while ((size = ::read(fd, buffer.data(), buffer.size())) > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  if (size < 0) give_up(std::string("read ") + path, errno);
  return text;
}

bool has_entry(const std::string& table, const std::string& name) {
  return table.starts_with(name + ':') || table.find('\n' + name + ':') != table.npos;
}

/// The userland's own entries stay; those of root and nsgate are added unless they are there.
void complete_table(const char* path, std::string_view root, std::string_view nsgate) {
  const int fd = ::open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  require(fd, path);
  const std::string table = read_all(fd, path);
  std::string added = table.empty() || table.ends_with('\n') ? "" : "\n";
  if (!has_entry(table, "root")) added += root;
  if (!has_entry(table, "nsgate")) added += nsgate;
  if (::write(fd, added.data(), added.size()) != static_cast<ssize_t>(added.size())) {
    give_up(std::string("write ") + path, errno);
  }
  ::close(fd);
}

void raise_loopback() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  require(fd, "socket for the loopback interface");
  ifreq request{.ifr_ifrn = {"lo"}, .ifr_ifru = {}};
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  require(::ioctl(fd, SIOCSIFFLAGS, &request), "set lo up");
  ::close(fd);
}

}  // namespace

void prepare_root() {
  ::umask(0022);
  mount_root_on_itself();
  mount_file_systems();
  complete_table("/etc/passwd", "root:x:0:0:root:/tmp/test:/bin/sh\n",
                 "nsgate:x:1000:1000:nsgate:/tmp/test:/bin/sh\n");
  complete_table("/etc/group", "root:x:0:\n", "nsgate:x:1000:\n");
  raise_loopback();
}

bool mount_securityfs() {
  if (mount_there("securityfs", "/sys/kernel/security", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                  nullptr) ||
      errno == EBUSY) {
    return true;
  }
  if (errno != ENODEV && errno != ENOENT) give_up("mount securityfs", errno);
  return false;
}

void make_test_directory(frame::User user) {
  const std::string id = user == frame::User::root ? "0" : std::to_string(frame::rootless_id);
  const std::string data = "mode=0700,uid=" + id + ",gid=" + id;
  require(::mkdir(test_directory, 0700), "mkdir /tmp/test");
  must_mount("tmpfs", test_directory, MS_NOSUID | MS_NODEV, data.c_str());
}

void remove_test_directory() {
  while (::umount2(test_directory, MNT_DETACH) == 0) {
  }
  if (errno != EINVAL) give_up("unmount /tmp/test", errno);
  require(::rmdir(test_directory), "rmdir /tmp/test");
}

}  // namespace nsgate::guest
