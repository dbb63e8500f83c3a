import type { UpdateEvent, UpdateEventName } from './event.ts';

const texts: Readonly<Record<UpdateEventName, string>> = {
  'applicability-started': 'It is being found out whether the package applies here.',
  applicable: 'The package applies here and can be downloaded.',
  'not-applicable': 'The package does not apply here.',
  hidden: 'The package is not offered any more.',
  'applicability-failed': 'Whether the package applies here could not be found out.',
  'download-started': 'The content is being downloaded.',
  'download-succeeded': 'The content is here and verified: ready to install.',
  'download-failed': 'The download failed.',
  ordered: 'Ordered: the content is the next step.',
  'replication-started': 'The content is being fetched and verified.',
  'replication-succeeded': 'The content is complete: the prerequisite check is next.',
  'replication-failed': 'The content could not be fetched.',
  'prerequisites-started': 'Prerequisites are being checked.',
  'prerequisites-passed': 'All prerequisites are met.',
  'prerequisites-warned': 'Prerequisites gave warnings: consent to them by name, or remedy them and retry.',
  'prerequisites-failed': 'A prerequisite is not met: remedy it and retry.',
  'waiting-for-parent': 'The parent site has not installed the package yet.',
  'waiting-for-window': 'No service window is open.',
  'install-started': 'The package is being installed.',
  'step-finished': 'The package is being installed.',
  'install-succeeded': 'The package is installed.',
  'install-failed':
    'The install failed and the site is back on the release it had: remedy the cause and retry.',
  cancelled: 'Cancelled.',
  reset: 'Reset: the package can be taken up anew.',
};

/** What an event says of why: its own `reason`, or else the text that holds for every event of its name. */
export function reasonOf(event: UpdateEvent): string {
  const own = event.data['reason'];
  if (typeof own === 'string' && own.trim() !== '') {
    return own.trim();
  }
  const step = event.data['step'];
  return event.event === 'step-finished' && typeof step === 'string'
    ? `Being installed: ${step} is done.`
    : texts[event.event];
}
