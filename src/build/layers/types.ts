import type { LinkFacts } from '../../elf/index.ts';
import type { LayerIndex } from '../../oci/index.ts';

/** A program or library that the dynamic loader will link. */
export interface LinkedFile {
  readonly path: string;
  readonly needed: readonly string[];
  /** What the loader goes by; absent where the file is damaged or was not read whole. */
  readonly link?: LinkFacts;
  /** It is linked, and against what could not be told: so large that its names passed by before they were asked for. */
  readonly unread?: true;
}

/** An executable text that names its interpreter in its first line (execve(2)). */
export interface ScriptFile {
  readonly path: string;
  /** Words after `#!`, the interpreter's path first. */
  readonly interpreter: readonly string[];
}

/** What the builders need to know of a layer; read once in the layer's life. */
export interface LayerFacts {
  /** With a sha256 for every file. */
  readonly index: LayerIndex;
  /** The package database and the line lists that packages and image builders both write. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Programs and libraries, with what they are linked against. */
  readonly linked: readonly LinkedFile[];
  readonly scripts: readonly ScriptFile[];
  /** Other small files, as many as fit: a layer that a child adds is seldom larger. */
  readonly small: ReadonlyMap<string, Uint8Array>;
}
