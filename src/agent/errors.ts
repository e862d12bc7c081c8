import { errorFactory } from '../base/index.ts';

export const agentErrors = {
  AGENT_PROC_UNREADABLE: {
    kind: 'failed',
    retryable: false,
    meaning: 'The processes of this machine cannot be listed: there is no /proc, or none of Linux.',
  },
  AGENT_TOKEN_UNREADABLE: {
    kind: 'usage',
    retryable: false,
    meaning: 'The file with the secret that reports are sent with cannot be read, or holds none.',
  },
  AGENT_REPORT_UNSENT: {
    kind: 'failed',
    retryable: true,
    meaning: 'Reports could not be delivered; they are kept and sent with the next ones.',
  },
} as const;

export const agentError = errorFactory(agentErrors);
