import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { siteCode } from '../../shared/ids.ts';
import type { UpdateEventName, UpdateProjection, UpdateState } from './event.ts';
import { stateCode, stateOfCode, updateStates } from './state-codes.ts';
import { updateEventNames } from './state-transitions.ts';
import {
  allowedEvents,
  canCancel,
  foldEvent,
  installSteps,
  isTerminal,
  nextEvent,
  refold,
  switchMayHaveBegun,
} from './state.ts';
import { guid } from './test-support/packages.ts';
import { UpdateError, type UpdateErrorCode } from './update-error.ts';

const site = siteCode('PR1');

type Step = UpdateEventName | readonly [UpdateEventName, Readonly<Record<string, unknown>>];

/** Folds steps; `ordered` takes the next attempt. Time is the sequence. */
function run(steps: readonly Step[], from?: UpdateProjection): UpdateProjection {
  let projection = from;
  for (const step of steps) {
    const [event, data] = typeof step === 'string' ? [step, {}] : step;
    projection = foldEvent(
      projection,
      nextEvent(projection, {
        guid: guid(1),
        site,
        event,
        at: (projection?.sequence ?? 0) + 1,
        data,
        ...(event === 'ordered' ? { attempt: (projection?.attempt ?? 0) + 1 } : {}),
      }),
    );
  }
  assert.ok(projection !== undefined);
  return projection;
}

function refuses(code: UpdateErrorCode, work: () => unknown, message = /./): void {
  assert.throws(
    work,
    (error) => error instanceof UpdateError && error.code === code && message.test(error.message),
  );
}

const download: readonly Step[] = [
  'applicability-started',
  'applicable',
  'download-started',
  'download-succeeded',
];
const toPrerequisites: readonly Step[] = [
  'ordered',
  'replication-started',
  'replication-succeeded',
  'prerequisites-started',
];
const toInstall: readonly Step[] = [...toPrerequisites, 'prerequisites-passed', 'install-started'];

test('leads a package from the catalogue to installed', () => {
  const states: UpdateState[] = [];
  let projection: UpdateProjection | undefined;
  for (const step of [...download, ...toInstall, 'install-succeeded' as const]) {
    projection = run([step], projection);
    states.push(projection.state);
  }
  assert.deepEqual(states, [
    'APPLICABILITY_CHECKING',
    'APPLICABILITY_SUCCESS',
    'DOWNLOAD_IN_PROGRESS',
    'DOWNLOAD_SUCCESS',
    'ENABLED',
    'CONTENT_REPLICATING',
    'CONTENT_REPLICATION_SUCCESS',
    'PREREQ_IN_PROGRESS',
    'PREREQ_SUCCESS',
    'INSTALL_IN_PROGRESS',
    'INSTALL_SUCCESS',
  ]);
  assert.equal(projection?.attempt, 1);
  assert.ok(isTerminal('INSTALL_SUCCESS'));
});

test('begins at a child site with the order', () => {
  const projection = run(['ordered']);
  assert.equal(projection.state, 'ENABLED');
  assert.equal(projection.contentHeld, false);
});

test('refuses an event out of turn', () => {
  const before = run(['ordered']);
  const event = nextEvent(before, { guid: guid(1), site, event: 'replication-started', at: 5 });
  refuses('SEQUENCE_CONFLICT', () => foldEvent(before, { ...event, sequence: 1 }), /2 is next/);
  refuses('SEQUENCE_CONFLICT', () => foldEvent(before, { ...event, sequence: 3 }));
  refuses('SEQUENCE_CONFLICT', () => foldEvent(undefined, event));
});

test('refuses work begun for an order that a newer one replaced', () => {
  const first = run([...toPrerequisites]);
  const second = run(['ordered'], first);
  assert.equal(second.attempt, 2);
  const late = {
    ...nextEvent(second, { guid: guid(1), site, event: 'prerequisites-passed', at: 9 }),
    attempt: 1,
  };
  refuses('SEQUENCE_CONFLICT', () => foldEvent(second, late), /overtaken/);
});

test('refuses an order whose attempt is not new', () => {
  const before = run([...toPrerequisites, 'prerequisites-failed']);
  refuses('SEQUENCE_CONFLICT', () =>
    foldEvent(before, nextEvent(before, { guid: guid(1), site, event: 'ordered', at: 9, attempt: 1 })),
  );
});

test('refuses an event of another package or site', () => {
  const before = run(['ordered']);
  const event = nextEvent(before, { guid: guid(1), site, event: 'replication-started', at: 5 });
  refuses('INVALID_EVENT', () => foldEvent(before, { ...event, guid: guid(2) }));
  refuses('INVALID_EVENT', () => foldEvent(before, { ...event, site: siteCode('PR2') }));
});

test('names state and event when it refuses a transition', () => {
  const before = run(['ordered']);
  refuses(
    'ILLEGAL_TRANSITION',
    () => run(['install-started'], before),
    /install-started cannot happen .* ENABLED/,
  );
});

test('retries after every kind of failure with a higher attempt', () => {
  const failures: readonly (readonly Step[])[] = [
    ['ordered', 'replication-started', 'replication-failed'],
    [...toPrerequisites, 'prerequisites-failed'],
    [...toPrerequisites, 'prerequisites-warned'],
    [...toInstall, 'install-failed'],
    ['ordered', 'cancelled'],
  ];
  for (const steps of failures) {
    const projection = run(['ordered'], run(steps));
    assert.deepEqual([projection.state, projection.attempt, projection.stepsDone], ['ENABLED', 2, []]);
  }
});

test('keeps the finished steps of an attempt, each once', () => {
  const projection = run([
    ...toInstall,
    ['step-finished', { step: 'stage-release' }],
    ['step-finished', { step: 'backup-database' }],
    ['step-finished', { step: 'backup-database' }],
  ]);
  assert.deepEqual(projection.stepsDone, ['stage-release', 'backup-database']);
  assert.equal(projection.reason, 'Being installed: backup-database is done.');
  refuses('INVALID_EVENT', () => run(['step-finished'], projection));
});

test('can be cancelled until the switch begins, and not after', () => {
  let projection = run(toInstall);
  for (const step of installSteps) {
    const expected = ['stage-release', 'backup-database', 'before-switch-hooks'].includes(step);
    assert.equal(canCancel(projection), expected, step);
    assert.equal(switchMayHaveBegun(projection), !expected, step);
    if (expected) {
      assert.equal(run(['cancelled'], projection).state, 'DOWNLOAD_SUCCESS');
    } else {
      refuses('ILLEGAL_TRANSITION', () => run(['cancelled'], projection), /switch .* has begun/);
    }
    projection = run([['step-finished', { step }]], projection);
  }
});

test('goes back to what the site holds when cancelled or reset', () => {
  assert.equal(run(['ordered', 'cancelled']).state, 'UNKNOWN');
  assert.equal(run([...download, 'ordered', 'cancelled']).state, 'DOWNLOAD_SUCCESS');
  assert.equal(run([...toPrerequisites, 'cancelled']).state, 'DOWNLOAD_SUCCESS');
  assert.equal(run([...download, 'reset']).state, 'DOWNLOAD_SUCCESS');
  assert.equal(run([...download, ['reset', { contentDeleted: true }]]).state, 'UNKNOWN');
  assert.equal(
    run([...download, 'ordered', 'replication-started', 'replication-failed', 'reset']).state,
    'UNKNOWN',
  );
  assert.equal(run(['applicable', 'download-started', 'cancelled']).state, 'APPLICABILITY_SUCCESS');
});

test('cannot be reset while it is being installed or when it is installed', () => {
  refuses('ILLEGAL_TRANSITION', () => run(['reset'], run(toInstall)));
  refuses('ILLEGAL_TRANSITION', () => run(['reset'], run([...toInstall, 'install-succeeded'])));
  assert.equal(run([...toInstall, 'install-failed', 'reset']).state, 'DOWNLOAD_SUCCESS');
});

test('hides a withdrawn package whatever is under way, unless it installs', () => {
  for (const steps of [
    download,
    ['ordered'],
    toPrerequisites,
    [...toPrerequisites, 'prerequisites-passed', 'waiting-for-window'],
  ] as const) {
    const hidden = run(['hidden'], run(steps as readonly Step[]));
    assert.equal(hidden.state, 'APPLICABILITY_HIDE');
    refuses('ILLEGAL_TRANSITION', () => run(['ordered'], hidden));
    refuses('ILLEGAL_TRANSITION', () => run(['reset'], hidden));
  }
  refuses('ILLEGAL_TRANSITION', () => run(['hidden'], run(toInstall)));
});

test('downloads again what was downloaded, and forgets that it held it meanwhile', () => {
  const again = run(['download-started'], run(download));
  assert.equal(again.contentHeld, false);
  assert.equal(run(['download-failed', 'download-started', 'download-succeeded'], again).contentHeld, true);
});

test('says since when, and keeps it while a wait is told again', () => {
  const waiting = run([
    ...toPrerequisites,
    'prerequisites-passed',
    ['waiting-for-window', { reason: 'Closed.', nextAt: 100 }],
  ]);
  const again = run([['waiting-for-window', { reason: 'Still closed.', nextAt: 200 }]], waiting);
  assert.deepEqual([again.since, again.nextAt, again.reason], [waiting.since, 200, 'Still closed.']);
  assert.equal(run(['waiting-for-parent'], again).since, again.sequence + 1);
  assert.equal(run(['waiting-for-parent'], again).nextAt, undefined);
});

test('ignores a next time that is no time', () => {
  for (const nextAt of [Number.NaN, Number.POSITIVE_INFINITY, '5', null]) {
    assert.equal('nextAt' in run([['ordered', { nextAt }]]), false);
  }
});

test('has a code for every state, and a state for every code', () => {
  assert.equal(new Set(updateStates.map(stateCode)).size, updateStates.length);
  for (const state of updateStates) {
    assert.equal(stateOfCode(stateCode(state)), state);
  }
  assert.equal(stateCode('INSTALL_SUCCESS'), 196612);
  assert.equal(stateCode('APPLICABILITY_FAILED'), 393215);
  assert.equal(stateOfCode(196613), undefined);
});

test('leaves a way out of every state but installed', () => {
  for (const state of updateStates) {
    assert.equal(isTerminal(state), state === 'INSTALL_SUCCESS', state);
  }
});

const stepNames = fc.constantFrom<string>(...installSteps, 'other');
const anyStep = fc.record({
  event: fc.constantFrom(...updateEventNames),
  step: stepNames,
  reason: fc.constantFrom('', ' ', 'Because.'),
});

test('refuses exactly what the table does not allow, and the log folds to the projection', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 80 }), (steps) => {
      const log = [];
      let projection: UpdateProjection | undefined;
      for (const { event, step, reason } of steps) {
        const next = nextEvent(projection, {
          guid: guid(1),
          site,
          event,
          at: log.length,
          data: { step, reason },
          ...(event === 'ordered' ? { attempt: (projection?.attempt ?? 0) + 1 } : {}),
        });
        const state = projection?.state ?? 'UNKNOWN';
        const allowed =
          allowedEvents(state).includes(event) &&
          (event !== 'cancelled' || (projection !== undefined && canCancel(projection)));
        if (!allowed) {
          refuses('ILLEGAL_TRANSITION', () => foldEvent(projection, next));
          continue;
        }
        projection = foldEvent(projection, next);
        log.push(next);
        assert.notEqual(projection.reason.trim(), '');
        assert.ok(updateStates.includes(projection.state));
      }
      assert.deepEqual(refold(log), projection);
    }),
    { numRuns: 300 },
  );
});

test('never installs without content, prerequisites and an order of that attempt', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...updateEventNames), { maxLength: 200 }), (events) => {
      let projection: UpdateProjection | undefined;
      let seen: UpdateEventName[] = [];
      for (const event of events) {
        const allowed = allowedEvents(projection?.state ?? 'UNKNOWN').includes(event);
        if (!allowed || (event === 'cancelled' && projection !== undefined && !canCancel(projection))) {
          continue;
        }
        projection = run(
          [event === 'step-finished' ? [event, { step: 'stage-release' }] : event],
          projection,
        );
        seen = event === 'ordered' ? [event] : [...seen, event];
        if (event === 'install-started') {
          assert.equal(seen[0], 'ordered');
          assert.ok(seen.includes('replication-succeeded'));
          assert.ok(seen.includes('prerequisites-passed') || seen.includes('prerequisites-warned'));
          assert.ok(projection.contentHeld);
        }
      }
    }),
    { numRuns: 300 },
  );
});
