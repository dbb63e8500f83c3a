import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BoundedOutput } from './bounded-output.ts';

test('keeps everything that fits, however it is cut into chunks', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 20 }), { maxLength: 10 }), (parts) => {
      const whole = Buffer.from(parts.join(''));
      const output = new BoundedOutput(Math.max(1, whole.length));
      for (const part of parts) output.add(Buffer.from(part));
      assert.equal(output.text(), whole.toString());
      assert.equal(output.droppedBytes, 0);
    }),
  );
});

test('keeps exactly the first and the last bytes of what does not fit', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 40 }),
      fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 12 }),
      (max, cuts) => {
        const output = new BoundedOutput(max);
        let at = 0;
        let whole = '';
        for (const cut of cuts) {
          const chunk = Array.from({ length: cut }, () => String.fromCharCode(97 + (at++ % 26))).join('');
          whole += chunk;
          output.add(Buffer.from(chunk));
        }
        const dropped = Math.max(0, whole.length - max);
        assert.equal(output.droppedBytes, dropped);
        if (dropped === 0) return assert.equal(output.text(), whole);
        const head = Math.ceil(max / 2);
        const tail = max - head;
        const last = tail === 0 ? '' : whole.slice(-tail);
        return assert.equal(output.text(), `${whole.slice(0, head)}\n[${dropped} bytes left out]\n${last}`);
      },
    ),
  );
});
