import type { InstallTools } from './install-tools.ts';
import type { InstallJournal } from './records.ts';

/**
 * Backups are made in the middle of installs. A database that was put back speaks of one that the site has left behind
 * long ago: it runs neither what was to come nor what was before. Ends such an install without touching any file, and
 * answers whether it was one.
 */
export async function leaveBehind(tools: InstallTools, journal: InstallJournal): Promise<boolean> {
  const { guid, attempt, product, version, previous } = journal;
  const current = await tools.releases.current(product);
  if (current === undefined || current.guid === guid || current.guid === previous.guid) return false;
  tools.log.warn('The install of {version} ({guid}) ends here: this site runs {current} by now', {
    version,
    guid,
    current: current.version,
  });
  const seen = tools.records.projection(guid);
  if (seen?.state !== 'INSTALL_IN_PROGRESS' || seen.attempt !== attempt) {
    tools.records.keep(null);
    return true;
  }
  if (current.installed.includes(guid)) {
    const reason = `It was installed here before ${current.version}, which this site runs.`;
    const data = { product, version, previousVersion: previous.version, reason };
    tools.records.append(seen, { event: 'install-succeeded', data }, null);
    return true;
  }
  const reason = `This site runs ${current.version} by now, and not ${previous.version}, from which the install began.`;
  const data = { reason, code: 'LEFT_BEHIND', step: 'switch', rolledBack: false, version: current.version };
  tools.records.append(seen, { event: 'install-failed', data }, null);
  return true;
}
