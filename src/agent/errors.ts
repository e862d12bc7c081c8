import { errorFactory } from '../base/index.ts';

export const agentErrors = {
  AGENT_PROC_UNREADABLE: {
    kind: 'failed',
    retryable: false,
    meaning: 'The processes of this machine cannot be listed: there is no /proc, or none of Linux.',
  },
} as const;

export const agentError = errorFactory(agentErrors);
