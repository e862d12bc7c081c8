import { answerOf, request } from './remote.ts';

const TIMEOUT = 30_000;

export interface RemoteDeviceCode {
  readonly device: string;
  readonly userCode: string;
  readonly verificationUri: string;
  readonly verificationUriComplete?: string;
  /** Seconds. */
  readonly expiresIn: number;
  readonly interval: number;
}

/** Signs a terminal in at a server, by a code that somebody types into a browser. */
export interface RemoteSignIn {
  begin(): Promise<RemoteDeviceCode>;
  /** Undefined while nobody has typed the code in. */
  poll(device: string): Promise<{ readonly name: string; readonly secret: string } | undefined>;
}

/** @throws HTTP_REMOTE_UNREACHABLE, HTTP_REMOTE_INVALID, or the error the server answers with */
export function createRemoteSignIn(url: URL, signal: AbortSignal): RemoteSignIn {
  const post = async (path: string, body: object): Promise<{ status: number; content: unknown }> => {
    const target = new URL(path, url);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]);
    const response = await request(target, limit, { accept: 'application/json', method: 'POST', body });
    return { status: response.status, content: await answerOf(response, target) };
  };
  return {
    begin: async () => (await post('/auth/device', {})).content as RemoteDeviceCode,
    async poll(device) {
      const { status, content } = await post('/auth/device/token', { device });
      return status === 202 ? undefined : (content as { name: string; secret: string });
    },
  };
}
