import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openSecretbox, SECRETBOX_KEY, SECRETBOX_NONCE, sealSecretbox } from './secretbox.ts';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

test('the vector of NaCl’s own test', () => {
  const key = hex('1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389');
  const nonce = hex('69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37');
  const plain = hex(
    'be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f4' +
      '1db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52' +
      'f0a089bc76897040e082f937763848645e0705',
  );
  const box = hex(
    'f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b' +
      '4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da' +
      '99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5',
  );
  assert.deepEqual(sealSecretbox(plain, nonce, key), box);
  assert.deepEqual(openSecretbox(box, nonce, key), plain);
});

test('what is sealed opens again, and not once a bit is changed', () => {
  const bytes = (length: number) =>
    fc.uint8Array({ minLength: length, maxLength: length }).map((one) => Buffer.from(one));
  fc.assert(
    fc.property(
      bytes(SECRETBOX_KEY),
      bytes(SECRETBOX_NONCE),
      fc.uint8Array({ maxLength: 300 }),
      fc.nat(),
      (key, nonce, plain, at) => {
        const box = sealSecretbox(Buffer.from(plain), nonce, key);
        assert.deepEqual(openSecretbox(box, nonce, key), Buffer.from(plain));
        const bad = Buffer.from(box);
        const position = at % bad.length;
        bad[position] = (bad[position] as number) ^ (1 << (at % 8));
        assert.equal(openSecretbox(bad, nonce, key), undefined);
      },
    ),
    { numRuns: 50 },
  );
  assert.equal(openSecretbox(Buffer.alloc(15), Buffer.alloc(24), Buffer.alloc(32)), undefined);
});
