import { asCodedError, HeraklitError, messageOf, redact } from '../base/index.ts';

export const EXIT = { fine: 0, findings: 1, usage: 2, failed: 3 } as const;

/** What stderr shows of an error, and the exit code it maps to. Unknown errors are ours: they show their stack. */
export function describeError(thrown: unknown): { readonly text: string; readonly exitCode: number } {
  const error = asCodedError(thrown);
  if (!(error instanceof HeraklitError)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
    return {
      text: redact(
        `error: unexpected: ${stack}\n  code: UNEXPECTED\n  hint: This is a defect in heraklit; please report it with the command you ran.`,
      ),
      exitCode: EXIT.failed,
    };
  }
  const lines = [`error: ${error.message}`];
  if (error.hint !== undefined) lines.push(`  hint: ${error.hint}`);
  const cause = error.cause === undefined ? '' : messageOf(error.cause);
  if (cause !== '' && !error.message.includes(cause)) lines.push(`  cause: ${cause}`);
  lines.push(`  code: ${error.code}`);
  return { text: redact(lines.join('\n')), exitCode: exitCodeOf(error) };
}

/** 128 + the signal's number is what shells make of a command that a signal ended. */
function exitCodeOf(error: HeraklitError): number {
  if (error.code === 'CLI_INTERRUPTED') return 128 + (error.details.signal === 'SIGTERM' ? 15 : 2);
  return error.kind === 'usage' ? EXIT.usage : EXIT.failed;
}
