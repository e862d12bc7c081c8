import { acceptedText, textOf } from '../accept.ts';
import { LOCK_BYTES, MANIFEST_BYTES } from '../limits.ts';
import { type ContentReader, type FoundPackage, NOTHING } from '../types.ts';

/** Applications that come with Erlang/OTP and Elixir themselves: no packages of Hex. */
const OWN: ReadonlySet<string> = new Set(
  (
    'asn1 common_test compiler crypto debugger dialyzer diameter edoc eldap erl_interface erts et eunit ftp inets ' +
    'jinterface kernel megaco mnesia observer odbc os_mon parsetools public_key reltool runtime_tools sasl snmp ssh ' +
    'ssl stdlib syntax_tools tftp tools wx xmerl eex elixir ex_unit iex logger mix'
  ).split(' '),
);

/**
 * NAME/ebin/NAME.app, the resource file of a compiled application.
 * @see https://www.erlang.org/doc/apps/kernel/app.html
 */
export const erlangApplication: ContentReader = {
  id: 'ebin/app',
  version: 1,
  files: { extensions: ['.app'] },
  wants: ({ path }) => (/(?:^|\/)ebin\/[^/]+\.app$/.test(path) ? { kind: 'whole', limit: MANIFEST_BYTES } : 'no'),
  read: (_, bytes) => {
    const text = textOf(bytes);
    const name = acceptedText(/\{\s*application\s*,\s*'?([a-z][A-Za-z0-9_@]*)'?\s*,/.exec(text)?.[1]);
    const version = acceptedText(/\{\s*vsn\s*,\s*"([^"]+)"\s*\}/.exec(text)?.[1]);
    if (name === undefined || version === undefined || OWN.has(name)) return NOTHING;
    return { packages: [{ ecosystem: 'hex', name, version, state: 'installed' }] };
  },
};

/** `"cowboy": {:hex, :cowboy, "2.9.0", …` a line. */
export const mixLock: ContentReader = {
  id: 'mix.lock',
  version: 1,
  files: { names: ['mix.lock'] },
  wants: () => ({ kind: 'whole', limit: LOCK_BYTES }),
  read: (_, bytes) => ({
    packages: [...textOf(bytes).matchAll(/\{:hex, :"?([a-z0-9_]+)"?, "([^"]+)"/g)].flatMap((match): FoundPackage[] => {
      const [name, version] = [acceptedText(match[1]), acceptedText(match[2])];
      if (name === undefined || version === undefined) return [];
      return [{ ecosystem: 'hex', name, version, state: 'declared' }];
    }),
  }),
};
