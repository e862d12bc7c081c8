import * as client from 'openid-client';
import { type Log, messageOf } from '../../base/index.ts';
import { accessError } from '../errors.ts';
import { type Identity, identityOf } from './identity.ts';

export interface OidcSettings {
  /** `https://login.example.org/realms/main`; plain HTTP on loopback only. */
  readonly issuer: string;
  readonly clientId: string;
  /** Without it the client is a public one, which PKCE alone protects. */
  readonly clientSecret?: string;
  /** Shown on the sign-in page. */
  readonly name?: string;
  /** `openid profile` and what brings the groups. */
  readonly scope?: string;
  readonly nameClaim?: string;
  readonly groupsClaim?: string;
}

/** What a browser carries while it is at the provider. */
export interface PendingSignIn {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** A code that somebody types in at the provider (RFC 8628). */
export interface DeviceCode {
  readonly device: string;
  readonly userCode: string;
  readonly verificationUri: string;
  readonly verificationUriComplete: string | undefined;
  /** Seconds. */
  readonly expiresIn: number;
  readonly interval: number;
}

/** An OpenID provider: authorization code with PKCE for browsers, device codes for terminals. */
export interface IdentityProvider {
  readonly name: string;
  /** @throws ACCESS_OIDC_UNREACHABLE */
  begin(redirectUri: string): Promise<{ readonly url: URL; readonly pending: PendingSignIn }>;
  /** @param callback the URL that the provider sent the browser to @throws ACCESS_OIDC_REFUSED, ACCESS_OIDC_UNREACHABLE */
  finish(callback: URL, pending: PendingSignIn): Promise<Identity>;
  /** @throws ACCESS_OIDC_UNREACHABLE, ACCESS_OIDC_REFUSED where the provider has no device codes */
  beginDevice(): Promise<DeviceCode>;
  /** Undefined while nobody has typed the code in. @throws ACCESS_OIDC_REFUSED */
  pollDevice(device: string): Promise<Identity | undefined>;
}

/** Seconds for one answer of the provider. */
const TIMEOUT = 10;
const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const PENDING = new Set(['authorization_pending', 'slow_down']);

/** Asks the provider what it can at the first sign-in, so that the server starts without it. */
export function createIdentityProvider(settings: OidcSettings, log: Log): IdentityProvider {
  const { clientId, clientSecret, scope = 'openid profile email groups' } = settings;
  const issuer = new URL(settings.issuer);
  const claimNames = {
    nameClaim: settings.nameClaim ?? 'preferred_username',
    groupsClaim: settings.groupsClaim ?? 'groups',
  };
  let discovered: Promise<client.Configuration> | undefined;
  const configuration = (): Promise<client.Configuration> => {
    discovered ??= discover(issuer, clientId, clientSecret).catch((error: unknown) => {
      discovered = undefined;
      throw error;
    });
    return discovered;
  };
  const scopeOf = (config: client.Configuration): string => {
    const { scopes_supported: supported } = config.serverMetadata();
    if (settings.scope !== undefined || supported === undefined) return scope;
    return scope
      .split(' ')
      .filter((one) => supported.includes(one))
      .join(' ');
  };
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw asAccessError(error, issuer, log);
    }
  };
  const identify = async (
    config: client.Configuration,
    tokens: client.TokenEndpointResponse & client.TokenEndpointResponseHelpers,
  ): Promise<Identity> => {
    const claims: Readonly<Record<string, unknown>> = tokens.claims() ?? {};
    const { sub } = claims;
    const complete = claims[claimNames.nameClaim] !== undefined && claims[claimNames.groupsClaim] !== undefined;
    const { userinfo_endpoint: more } = config.serverMetadata();
    if (complete || more === undefined || typeof sub !== 'string') return identityOf(issuer.href, claims, claimNames);
    const info = await client.fetchUserInfo(config, tokens.access_token, sub);
    return identityOf(issuer.href, { ...info, ...claims }, claimNames);
  };

  return {
    name: settings.name ?? issuer.host,
    begin: (redirectUri) =>
      guarded(async () => {
        const config = await configuration();
        const pending = {
          state: client.randomState(),
          nonce: client.randomNonce(),
          verifier: client.randomPKCECodeVerifier(),
        };
        const url = client.buildAuthorizationUrl(config, {
          redirect_uri: redirectUri,
          scope: scopeOf(config),
          state: pending.state,
          nonce: pending.nonce,
          code_challenge: await client.calculatePKCECodeChallenge(pending.verifier),
          code_challenge_method: 'S256',
        });
        return { url, pending };
      }),
    finish: (callback, { state, nonce, verifier }) =>
      guarded(async () => {
        const config = await configuration();
        const tokens = await client.authorizationCodeGrant(config, callback, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        });
        return identify(config, tokens);
      }),
    beginDevice: () =>
      guarded(async () => {
        const config = await configuration();
        if (config.serverMetadata().device_authorization_endpoint === undefined) {
          throw accessError('ACCESS_OIDC_REFUSED', `${issuer.host} gives no codes for devices`);
        }
        const answer = await client.initiateDeviceAuthorization(config, { scope: scopeOf(config) });
        return {
          device: answer.device_code,
          userCode: answer.user_code,
          verificationUri: answer.verification_uri,
          verificationUriComplete: answer.verification_uri_complete,
          expiresIn: answer.expires_in,
          interval: answer.interval ?? 5,
        };
      }),
    pollDevice: (device) =>
      guarded(async () => {
        const config = await configuration();
        try {
          const tokens = await client.genericGrantRequest(config, DEVICE_GRANT, { device_code: device });
          return await identify(config, tokens);
        } catch (error) {
          if (error instanceof client.ResponseBodyError && PENDING.has(error.error)) return undefined;
          throw error;
        }
      }),
  };
}

async function discover(issuer: URL, clientId: string, secret: string | undefined): Promise<client.Configuration> {
  const loopback = ['127.0.0.1', '[::1]', 'localhost'].includes(issuer.hostname);
  const plain = issuer.protocol === 'http:' && loopback ? { execute: [client.allowInsecureRequests] } : {};
  const config = await client.discovery(issuer, clientId, secret, undefined, { timeout: TIMEOUT, ...plain });
  return config;
}

/** Who was refused by the provider, or sends what it did not; and a provider that does not answer. */
function asAccessError(error: unknown, issuer: URL, log: Log): unknown {
  if (typeof (error as { kind?: unknown }).kind === 'string') return error;
  const { error: code, cause } = error as { error?: string; cause?: unknown };
  const refusal =
    error instanceof client.ResponseBodyError ||
    error instanceof client.AuthorizationResponseError ||
    /RESPONSE|CLAIM|INVALID|JWT/.test(String((error as { code?: string }).code));
  log.warn('sign-in at the identity provider failed', { issuer: issuer.href, error: messageOf(error), code });
  if (refusal)
    return accessError('ACCESS_OIDC_REFUSED', `${issuer.host} did not sign you in: ${code ?? messageOf(error)}`);
  return accessError('ACCESS_OIDC_UNREACHABLE', `${issuer.host} cannot be asked: ${messageOf(cause ?? error)}`, {
    cause: error,
    hint: 'Accounts with a password can still sign in.',
  });
}
