/** Keeps npm from trying for minutes to reach a registry that is not there. */
export const BOUNDED = ['--fetch-retries=0', '--fetch-timeout=30000', '--loglevel=error'] as const;

const UNREACHABLE = /\b(?:ENOTFOUND|EAI_AGAIN|ECONN\w+|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|\w*CERT\w*)\b/;

/** True where npm failed for want of its registry; any other failure is the test's. */
export const isRegistryOut = (error: unknown): boolean => {
  const { message = '', stderr = '' } = error as { readonly message?: string; readonly stderr?: string };
  return UNREACHABLE.test(`${message}\n${stderr}`);
};
