// SPDX-License-Identifier: Apache-2.0
//
// A security module of BPF that denies user namespaces (as Tetragon's policies can): whoever makes
// one gets the program's errno, and who joins one is not asked. The program is three instructions
// and a condition, and denies one uid only; it is gone with its descriptor.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/child_process.h"
#include "support/ended.h"
#include "support/kernel.h"
#include "support/mounts.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

constexpr uid_t denied_uid = 54321;
constexpr int denied_errno = EUSERS;  // which nothing else here gives

std::string text_of(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The bytes after a struct btf_type, by its kind (linux/btf.h).
std::size_t size_of_rest(unsigned kind, std::size_t members) {
  switch (kind) {
    case BTF_KIND_INT:
    case BTF_KIND_VAR:
    case BTF_KIND_DECL_TAG:
      return 4;
    case BTF_KIND_ARRAY:
      return sizeof(btf_array);
    case BTF_KIND_STRUCT:
    case BTF_KIND_UNION:
      return members * sizeof(btf_member);
    case BTF_KIND_ENUM:
      return members * sizeof(btf_enum);
    case BTF_KIND_FUNC_PROTO:
      return members * sizeof(btf_param);
    case BTF_KIND_DATASEC:
      return members * sizeof(btf_var_secinfo);
    case 19:  // BTF_KIND_ENUM64, Linux 6.0
      return members * 12;
    default:
      return 0;
  }
}

/// The number of the kernel's function of this name; 0: it has none.
std::uint32_t function_id(const std::string& btf, const std::string& name) {
  btf_header header{};
  if (btf.size() < sizeof header) return 0;
  std::memcpy(&header, btf.data(), sizeof header);
  const std::size_t types = header.hdr_len + header.type_off;
  const char* const names = btf.data() + header.hdr_len + header.str_off;
  std::uint32_t id = 1;
  for (std::size_t at = types; at < types + header.type_len; ++id) {
    btf_type type{};
    std::memcpy(&type, btf.data() + at, sizeof type);
    const auto kind = BTF_INFO_KIND(type.info);
    if (kind == BTF_KIND_FUNC && name == names + type.name_off) return id;
    at += sizeof type + size_of_rest(kind, BTF_INFO_VLEN(type.info));
  }
  return 0;
}

long bpf(int command, bpf_attr& attributes) {
  return ::syscall(SYS_bpf, command, &attributes, sizeof attributes);
}

bpf_insn instruction(std::uint8_t code, std::uint8_t to, std::int16_t off, std::int32_t immediate) {
  bpf_insn made{};
  made.code = code;
  made.dst_reg = to & 0xf;
  made.off = off;
  made.imm = immediate;
  return made;
}

/// A program for the hook that denies one uid. Empty on failure, with errno set.
Fd load(std::uint32_t hook) {
  const std::array program{
      instruction(BPF_JMP | BPF_CALL, 0, 0, BPF_FUNC_get_current_uid_gid),
      // The uid is the lower half, which a 32-bit comparison is about.
      instruction(BPF_JMP32 | BPF_JNE | BPF_K, 0, 2, static_cast<std::int32_t>(denied_uid)),
      instruction(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, -denied_errno),
      instruction(BPF_JMP | BPF_EXIT, 0, 0, 0),
      instruction(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0),
      instruction(BPF_JMP | BPF_EXIT, 0, 0, 0),
  };
  // The kernel takes no other for a security module (bpf_lsm_verify_prog).
  static constexpr char license[] = "GPL";
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_LSM;
  attributes.expected_attach_type = BPF_LSM_MAC;
  attributes.attach_btf_id = hook;
  attributes.insns = reinterpret_cast<std::uintptr_t>(program.data());
  attributes.insn_cnt = program.size();
  attributes.license = reinterpret_cast<std::uintptr_t>(license);
  return Fd(static_cast<int>(bpf(BPF_PROG_LOAD, attributes)));
}

std::uint32_t hook_id(const std::string& hook) {
  return function_id(text_of("/sys/kernel/btf/vmlinux"), "bpf_lsm_" + hook);
}

bool probe_bpf_lsm() { return static_cast<bool>(load(hook_id("file_open"))); }
const Requirement bpf_lsm{"bpf_lsm", "free to load a security module of BPF", &probe_bpf_lsm};

/// Empty on failure, with errno set.
Fd attach(const Fd& program) {
  bpf_attr attributes{};
  attributes.raw_tracepoint.prog_fd = static_cast<std::uint32_t>(program.get());
  return Fd(static_cast<int>(bpf(BPF_RAW_TRACEPOINT_OPEN, attributes)));
}

/// For a child: whether the kernel asks security modules of BPF (lsm=, CONFIG_LSM).
bool bpf_is_asked() {
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("lsm", "/tmp", "securityfs", 0, nullptr) != 0) {
    return false;
  }
  return (',' + text_of("/tmp/lsm") + ',').contains(",bpf,");
}

/// As the uid that is denied.
int make_userns() {
  return answer_of_child([] {
    const int error = become_user(denied_uid);
    return error != 0 ? error : error_of(::unshare(CLONE_NEWUSER));
  });
}

Ended enter(const UserTarget& target, const std::string& program) {
  return answer_of_child([&] {
    if (const int error = become_user(denied_uid); error != 0) return refused(Stage{}, error);
    return how_it_ended(exec_in_user_netns(target, {.argv = {program, "exit", "7"}}));
  });
}

TEST(BpfModule, DeniesTheMakingOfAUserNamespaceAndNotTheEntering) {
  BEHAVIOUR("PP18");
  REQUIRES(root);
  REQUIRES(userns);
  REQUIRES(mounts);
  REQUIRES(bpf_lsm);
  struct Seen {
    bool has_hook, asked;
    int loaded, attached;
    int before, denied, after;
    Ended entered;
  };

  const auto seen = answer_of_child([program = helper()] {
    Seen answer{};
    const auto hook = hook_id("userns_create");
    answer.has_hook = hook != 0;
    const UserScratch other(UserScratch::Map::owner_to_zero, denied_uid);
    answer.before = make_userns();
    answer.asked = answer_of_child(bpf_is_asked);
    const Fd loaded = load(hook);
    answer.loaded = error_of(loaded);
    {
      const Fd attached = attach(loaded);
      answer.attached = error_of(attached);
      answer.denied = make_userns();
      answer.entered = enter(UserTarget::process(other.pid()), program);
    }
    answer.after = make_userns();
    return answer;
  });

  // 7cd4c5c2101c "security, lsm: Introduce security_create_user_ns()", Linux 6.1.
  ASSERT_EQ(seen.has_hook, running_kernel() >= (KernelVersion{6, 1}));
  EXPECT_EQ(seen.before, 0);
  EXPECT_EQ(seen.entered, exited(7));
  EXPECT_EQ(seen.after, 0);
  if (!seen.has_hook) {
    EXPECT_NE(seen.loaded, 0);
    EXPECT_EQ(seen.denied, 0);
    return;
  }
  EXPECT_EQ(seen.loaded, 0);
  EXPECT_EQ(seen.attached, 0);
  EXPECT_EQ(seen.denied, seen.asked ? denied_errno : 0);
}

}  // namespace
}  // namespace nsgate::test
