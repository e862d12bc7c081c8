/** Bytes at a file's start that choose a reader by magic. */
export const HEAD_BYTES = 4096;
/** Bytes of deferred files that are held at the same time, of one layer. */
export const DEFERRED_LIMIT = 64 * 1024 * 1024;
/** Packages, and problems, that are kept of one file: a lock file of a monorepo has 10,000. */
export const PACKAGES_PER_FILE = 50_000;
export const PROBLEMS_PER_FILE = 20;
/** Packages that are kept of one layer. */
export const PACKAGES_PER_LAYER = 500_000;
/** Characters of a name or version; longer ones are cut by nobody but refused. */
export const NAME_LENGTH = 512;
/** Bytes of a manifest (package.json, METADATA, gemspec, …). */
export const MANIFEST_BYTES = 4 * 1024 * 1024;
/** Bytes of a lock file, or of a list of all that is installed. */
export const LOCK_BYTES = 32 * 1024 * 1024;
/** Bytes of a file that a TOML library parses, some tens of nanoseconds a byte. */
export const PARSED_BYTES = 8 * 1024 * 1024;
