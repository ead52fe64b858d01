import { existsSync } from 'node:fs'
import { findStaticBusybox, withProgram, type RequiredPackage } from '../toolchain.ts'

export const QEMU = 'qemu-system-x86_64'
/** Debian puts it where only qemu looks. */
export const VIRTIOFSD = '/usr/lib/qemu/virtiofsd'

/** What the machine is made of, and its kernel taken apart with. */
export const VM_PACKAGES: readonly RequiredPackage[] = [
  withProgram('qemu-system-x86', QEMU),
  { debianPackage: 'qemu-system-common', isThere: () => existsSync(VIRTIOFSD) },
  { debianPackage: 'busybox-static', isThere: () => findStaticBusybox() !== undefined },
  withProgram('lz4', 'lz4'),
  withProgram('xz-utils', 'xz'),
]
