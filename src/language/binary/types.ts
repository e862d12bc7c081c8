import type { LoadedPart } from '../../elf/index.ts';

/** How a program of any format lies in its file. */
export interface ProgramMap {
  readonly format: 'elf' | 'pe' | 'mach-o';
  readonly wordBytes: 4 | 8;
  readonly isLittle: boolean;
  /** Parts that are mapped when it runs, in the order of the file. */
  readonly parts: readonly LoadedPart[];
  /**
   * `yes`: the toolchain left its mark in the first bytes. `likely`: the file is laid out as Go's linker does, which was told
   * to leave no mark.
   */
  readonly isGo: 'yes' | 'likely' | 'no';
}
