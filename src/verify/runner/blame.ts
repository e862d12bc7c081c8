/** What of a refusal speaks of the image or the command, and not of the engine or the node. */
const OF_PART =
  /executable file|no such file or directory|permission denied|exec format error|not found in \$PATH|is a directory|not a directory|unable to find user|no matching entries in (?:the )?passwd|unable to find group|chdir to cwd|no command (?:or entrypoint )?(?:provided|specified)/i;

/** `part`: what was asked for is wrong with the container itself. */
export const blameOf = (reason: string): 'part' | 'environment' => (OF_PART.test(reason) ? 'part' : 'environment');
