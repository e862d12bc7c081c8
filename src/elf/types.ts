export type ElfType = 'relocatable' | 'executable' | 'shared' | 'core' | 'other';

export interface ElfSymbol {
  readonly name: string;
  /** Version node, e.g. `GLIBC_2.34`. */
  readonly version?: string;
}

export interface ExportedSymbol extends ElfSymbol {
  /** False for an old version that only already linked programs get (`name@VERSION`). */
  readonly isDefault: boolean;
}

export interface ImportedSymbol extends ElfSymbol {
  /** The program starts without it. */
  readonly isWeak: boolean;
}

/** What a dynamic linker, and whoever replaces a library, needs to know of an ELF file. */
export interface ElfFile {
  readonly class: 32 | 64;
  readonly endian: 'little' | 'big';
  /** `x86_64`, `aarch64`, …; `machine-N` where we have no name for e_machine N. */
  readonly machine: string;
  readonly type: ElfType;
  readonly soname?: string;
  /** SONAMEs of libraries it is linked against, in order. */
  readonly needed: readonly string[];
  /** Search paths, split at colons. */
  readonly rpath: readonly string[];
  readonly runpath: readonly string[];
  /** Path of the dynamic linker. */
  readonly interpreter?: string;
  readonly exportedSymbols: readonly ExportedSymbol[];
  readonly importedSymbols: readonly ImportedSymbol[];
  /** Hexadecimal. */
  readonly buildId?: string;
  /** A program that loads no library. */
  readonly static: boolean;
}
