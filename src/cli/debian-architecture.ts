/** Node's word for this machine's processor → Debian's (dpkg-architecture(1)). */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  arm64: 'arm64',
  arm: 'armhf',
  ia32: 'i386',
  ppc64: 'ppc64el',
  s390x: 's390x',
  riscv64: 'riscv64',
};

/** The distribution's word for the architecture of this machine. */
export const debianArchitecture = (): string => ARCHITECTURES[process.arch] ?? process.arch;
