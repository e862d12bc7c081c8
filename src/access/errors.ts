import { errorFactory } from '../base/index.ts';

export const accessErrors = {
  ACCESS_CREDENTIALS_MALFORMED: {
    kind: 'usage',
    retryable: false,
    meaning: 'An Authorization header does not read as Basic or Bearer credentials.',
  },
  ACCESS_CREDENTIALS_REFUSED: {
    kind: 'usage',
    retryable: false,
    meaning: 'Name and password (or secret) do not belong together, or the account has expired. It is not said which.',
  },
  ACCESS_TOKEN_REFUSED: {
    kind: 'usage',
    retryable: false,
    meaning: 'A token is not ours, is for another service, has expired or was taken back.',
  },
  ACCESS_DENIED: { kind: 'usage', retryable: false, meaning: 'No grant allows this to the account.' },
  ACCESS_LOCKED: {
    kind: 'failed',
    retryable: true,
    meaning: 'Too many wrong passwords for this account from this address; the answer says when to try again.',
  },
  ACCESS_RATE_LIMITED: {
    kind: 'failed',
    retryable: true,
    meaning: 'More requests than allowed in this time; the answer says when to try again.',
  },
  ACCESS_BUSY: { kind: 'failed', retryable: true, meaning: 'Too many passwords wait to be checked at once.' },
  ACCESS_NAME_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'The name of an account or group breaks the grammar.',
  },
  ACCESS_ACCOUNT_EXISTS: { kind: 'usage', retryable: false, meaning: 'There is an account of this name already.' },
  ACCESS_ACCOUNT_UNKNOWN: { kind: 'usage', retryable: false, meaning: 'There is no account of this name.' },
  ACCESS_GRANT_UNKNOWN: { kind: 'usage', retryable: false, meaning: 'There is no such grant to take back.' },
  ACCESS_PASSWORD_REFUSED: {
    kind: 'usage',
    retryable: false,
    meaning: 'A new password is too short, too long or the name.',
  },
  ACCESS_PATTERN_INVALID: { kind: 'usage', retryable: false, meaning: 'A pattern of repositories breaks the grammar.' },
  ACCESS_ROLE_INVALID: { kind: 'usage', retryable: false, meaning: 'There is no such role.' },
  ACCESS_EXPIRY_INVALID: { kind: 'usage', retryable: false, meaning: 'An expiry is no date or lies in the past.' },
  ACCESS_SCOPE_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'A scope of a token request breaks the grammar, or there are too many.',
  },
  ACCESS_OIDC_REFUSED: {
    kind: 'usage',
    retryable: false,
    meaning: 'The identity provider did not sign somebody in, or names them in a way that is no account here.',
  },
  ACCESS_OIDC_UNREACHABLE: {
    kind: 'failed',
    retryable: true,
    meaning: 'The identity provider does not answer, or not as OpenID Connect.',
  },
  ACCESS_KEY_BROKEN: {
    kind: 'failed',
    retryable: false,
    meaning: 'The file of signing keys is damaged, or others than its owner may read it.',
  },
} as const;

export const accessError = errorFactory(accessErrors);
