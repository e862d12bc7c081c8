import type { FastifyReply, FastifyRequest } from 'fastify';

/** Cookies of this server; over TLS with the prefix that keeps other hosts of the domain from setting them. */
export interface Cookie {
  read(request: FastifyRequest): string | undefined;
  /** @param maxAge seconds */
  write(reply: FastifyReply, value: string, maxAge: number): void;
  clear(reply: FastifyReply): void;
}

/** @param sameSite Lax only for what must survive the way back from another site */
export function cookie(
  name: string,
  options: { readonly secure: boolean; readonly sameSite: 'Strict' | 'Lax' },
): Cookie {
  const full = options.secure ? `__Host-${name}` : name;
  const attributes = `Path=/; HttpOnly; SameSite=${options.sameSite}${options.secure ? '; Secure' : ''}`;
  return {
    read(request) {
      for (const pair of (request.headers.cookie ?? '').split(';')) {
        const equals = pair.indexOf('=');
        if (equals > 0 && pair.slice(0, equals).trim() === full) return pair.slice(equals + 1).trim();
      }
      return undefined;
    },
    write(reply, value, maxAge) {
      reply.header('set-cookie', `${full}=${value}; Max-Age=${maxAge}; ${attributes}`);
    },
    clear(reply) {
      reply.header('set-cookie', `${full}=; Max-Age=0; ${attributes}`);
    },
  };
}
