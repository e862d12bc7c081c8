import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placeOfHost } from './internal-host.ts';

test('addresses of this machine, its link and private networks are told, however they are written', () => {
  const cases = {
    machine: [
      'http://localhost/',
      'http://a.localhost:8080/',
      'http://127.0.0.1/',
      'http://127.1/',
      'http://2130706433/',
      'http://0x7f.1/',
      'http://0/',
      'http://169.254.169.254/latest',
      'http://[::1]/',
      'http://[::]/',
      'http://[fe80::1]/',
      'http://[::ffff:127.0.0.1]/',
      'http://[::ffff:169.254.169.254]/',
    ],
    network: [
      'http://10.1.2.3/',
      'http://192.168.0.1/',
      'http://172.31.0.1/',
      'http://[fd00::1]/',
      'http://[::ffff:10.0.0.1]/',
    ],
    outside: [
      'http://deb.example/debian',
      'http://172.32.0.1/',
      'http://8.8.8.8/',
      'http://[2001:db8::1]/',
      'http://localhost.example/',
    ],
  } as const;
  for (const [place, urls] of Object.entries(cases)) {
    for (const url of urls) assert.equal(placeOfHost(new URL(url)), place, url);
  }
});
