import type { FastifyReply } from 'fastify';

const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const STYLE = `body{font:16px/1.5 system-ui;max-width:22rem;margin:15vh auto;padding:0 1rem;color:#1c1c1c;background:#fff}
label{display:block;margin:.8rem 0 .2rem}input{font:inherit;width:100%;box-sizing:border-box;padding:.45rem .6rem;border:1px solid #767676;border-radius:.3rem}
button,a.button{display:block;width:100%;box-sizing:border-box;margin-top:1.2rem;padding:.55rem;font:inherit;text-align:center;text-decoration:none;border:0;border-radius:.3rem;background:#1f4e9e;color:#fff;cursor:pointer}
p.wrong{color:#a3160f}@media(prefers-color-scheme:dark){body{color:#eee;background:#16181c}input{background:#23262c;color:#eee}p.wrong{color:#ff8f88}}`;

/** A page that loads nothing and runs nothing. @param content HTML, what it quotes escaped */
export function accountPage(title: string, message: string | undefined, content: string): string {
  const wrong = message === undefined ? '' : `<p class="wrong" role="alert">${escaped(message)}</p>`;
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>heraklit: ${title}</title><style>${STYLE}</style><h1>heraklit</h1>${wrong}
${content}`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');

export function sendPage(reply: FastifyReply, status: number, page: string): FastifyReply {
  return reply
    .code(status)
    .type('text/html; charset=utf-8')
    .header('content-security-policy', POLICY)
    .header('cache-control', 'no-store')
    .send(page);
}
