# SPDX-License-Identifier: Apache-2.0
#
# Everything is allowed but to make a user namespace and to read a process of the profile
# nsgate-closed. The kernel mediates the first since Linux 6.7 (security/apparmor/lsm.c:
# apparmor_userns_create).
#
# apparmor-userns.bin is this, as AppArmor 4.1 of Debian trixie compiles it; bookworm's 3.0 does not
# know the class:
#
#   apparmor_parser --skip-cache --skip-kernel-load --features-file /etc/apparmor.d/abi/4.0 \
#     --ofile apparmor-userns.bin apparmor-userns.profile

profile nsgate-no-userns flags=(attach_disconnected) {
  file,
  /** rwlkmix,
  capability,
  network,
  mount,
  remount,
  umount,
  pivot_root,
  ptrace,
  signal,
  unix,
  change_profile,
  audit deny userns create,
  audit deny ptrace (read, trace) peer=nsgate-closed,
}

# A target that the tests may not read. Nothing else is refused to it.
profile nsgate-closed flags=(attach_disconnected) {
  file,
  /** rwlkmix,
  capability,
  network,
  mount,
  remount,
  umount,
  pivot_root,
  ptrace,
  signal,
  unix,
  userns,
  change_profile,
}
