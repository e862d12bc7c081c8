import { errorFactory } from '../base/index.ts';

export const httpErrors = {
  HTTP_BIND_REFUSED: {
    kind: 'usage',
    retryable: false,
    meaning: 'Serving on an address that others reach needs accounts or an explicit --anonymous.',
  },
  HTTP_ADDRESS_IN_USE: { kind: 'failed', retryable: true, meaning: 'Another process listens on the address.' },
  HTTP_TLS_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'The files named for TLS are not a certificate with its key.',
  },
  HTTP_REQUEST_INVALID: { kind: 'usage', retryable: false, meaning: 'A request does not fit the API description.' },
  HTTP_NOT_FOUND: { kind: 'usage', retryable: false, meaning: 'There is nothing under this path or name.' },
  HTTP_HOST_REFUSED: {
    kind: 'usage',
    retryable: false,
    meaning: 'A request on a loopback address names a foreign host, or comes from a page of another origin.',
  },
  HTTP_READ_ONLY: { kind: 'usage', retryable: false, meaning: 'The server allows anonymous reading only.' },
  HTTP_FORBIDDEN: { kind: 'usage', retryable: false, meaning: 'The account has no role that allows this.' },
  HTTP_ACCOUNT_NEEDED: { kind: 'usage', retryable: false, meaning: 'The server wants to know whose request it is.' },
  HTTP_TOO_MANY_STREAMS: { kind: 'failed', retryable: true, meaning: 'Too many event streams are open.' },
  HTTP_TOO_MANY_WEBHOOKS: {
    kind: 'failed',
    retryable: true,
    meaning: 'More webhooks are being read at once than the server takes.',
  },
  HTTP_MAINTENANCE_BUSY: {
    kind: 'failed',
    retryable: true,
    meaning: 'The server is collecting, verifying or applying retention already.',
  },
  HTTP_REMOTE_UNREACHABLE: { kind: 'failed', retryable: true, meaning: 'No heraklit server answers at the address.' },
  HTTP_REMOTE_INVALID: {
    kind: 'failed',
    retryable: false,
    meaning: 'What answers at the address is not a heraklit server, or of another version.',
  },
} as const;

export const httpError = errorFactory(httpErrors);
