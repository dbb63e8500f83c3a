import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../../../engine/test-support/seeded-random.ts';
import { releaseTrain } from './release-train.ts';
import type { Wrap } from './vendor-process.ts';
import { newVendor, product, type TestVendor, VendorReader } from './test-support/vendor-reader.ts';

/** Counts the calls that the vendor's process makes of its ports, and does something at one of them. */
class PortCalls {
  count = 0;
  at: { readonly call: number; readonly when: 'after' | 'before'; readonly act: () => void } | undefined;

  readonly wrap: Wrap = (port, real) =>
    new Proxy(real, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function' || (port === 'blobs' && name === 'pathOf')) return member;
        return (...given: unknown[]): unknown => {
          this.count += 1;
          const now = this.count === this.at?.call ? this.at : undefined;
          if (now?.when === 'before') now.act();
          const answer: unknown = Reflect.apply(member, target, given);
          if (now?.when === 'after') return settledThen(answer, now.act);
          return answer;
        };
      },
    });
}

/** The effect has happened, and whoever asked dies before the answer. */
function settledThen(answer: unknown, act: () => void): unknown {
  if (!(answer instanceof Promise)) {
    act();
    return answer;
  }
  return answer.then(() => {
    act();
    return new Promise<never>(() => undefined);
  });
}

/** Lets everything go on that can. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function prepared(
  calls: PortCalls,
): Promise<TestVendor & { readonly train: ReturnType<typeof releaseTrain> }> {
  const made = await newVendor(11, { wrap: calls.wrap });
  const train = releaseTrain(new SeededRandom(12), { product, count: 3 });
  const [baseline] = train;
  assert.ok(baseline);
  await made.vendor.publish(baseline);
  return { ...made, train };
}

test('wherever the vendor’s process dies while it publishes, readers go on and publishing goes on', async () => {
  const counting = new PortCalls();
  const once = await prepared(counting);
  const before = counting.count;
  await once.vendor.publish(...once.train.slice(1));
  const total = counting.count - before;
  assert.ok(total > 80, `${total} calls`);
  let cut = 0;
  // Building blobs takes most of the calls; the last ones sign and write, and there each counts.
  const writing = total - 30;
  for (let call = 1; call <= total; call += call < writing ? 7 : 1) {
    const calls = new PortCalls();
    const { vendor, clock, train } = await prepared(calls);
    const reader = await VendorReader.of({ vendor, clock });
    const when = call % 5 === 0 || call === total ? 'after' : 'before';
    calls.at = { call: calls.count + call, when, act: () => vendor.crash() };
    let done = false;
    void vendor.publish(...train.slice(1)).then(() => (done = true));
    await settle();
    assert.equal(vendor.isRunning, false, `call ${call} was never made`);
    assert.equal(done, false);
    vendor.restart();
    // What readers find is the old publication, or the new one whole.
    const { packages } = await reader.catalogue();
    assert.ok(
      packages.length === 1 || packages.length === 3,
      `${packages.length} packages after call ${call}`,
    );
    if (packages.length === 1) cut += 1;
    const published = await vendor.publish(...train.slice(1));
    assert.equal((await reader.catalogue()).packages.length, 3, `call ${call}`);
    for (const each of published) await reader.build(each);
  }
  assert.ok(cut > 20, `${cut} were cut short`);
});

test('wherever it dies while the root gets new keys, readers believe what is there', async () => {
  const counting = new PortCalls();
  const once = await prepared(counting);
  const before = counting.count;
  await once.vendor.rotate('timestamp');
  const total = counting.count - before;
  for (let call = 1; call <= total; call += 1) {
    const calls = new PortCalls();
    const { vendor, clock } = await prepared(calls);
    const reader = await VendorReader.of({ vendor, clock });
    calls.at = {
      call: calls.count + call,
      when: call === total ? 'after' : 'before',
      act: () => vendor.crash(),
    };
    void vendor.rotate('timestamp');
    await settle();
    vendor.restart();
    assert.equal((await reader.catalogue()).packages.length, 1, `call ${call}`);
    await vendor.rotate('timestamp');
    await vendor.renew();
    assert.equal((await reader.catalogue()).packages.length, 1, `call ${call}, again`);
  }
});
