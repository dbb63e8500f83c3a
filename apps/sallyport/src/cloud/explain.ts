import { hierarchyNamed } from '@sallyport/engine/cloud/hierarchy-named';
import { explainOffer, type OfferExplanation } from '@sallyport/engine/cloud/offer-explanation';
import { PublicationView } from '@sallyport/engine/cloud/publication-view';
import { nodeDigests } from '@sallyport/engine/compute/digest';
import { printJson, printLine, runCommand } from '../command/run.ts';
import { plain } from '../output/table.ts';
import { type DataOptions, openCloud, openDatabase } from './open-cloud.ts';

/** `cloud offer --explain`. */
export async function explain(options: DataOptions & { readonly explain: string }): Promise<void> {
  await runCommand(options.json === true, async () => {
    const tools = await openCloud(options);
    const database = await openDatabase(options);
    try {
      const { id } = await hierarchyNamed(database.usage, options.explain);
      const explanation = await explainOffer(database, await new PublicationView(tools).offered(), id, {
        now: tools.clock.now(),
        digestOf: nodeDigests.of,
      });
      if (options.json === true) printJson(explanation);
      else printLine(explanationText(explanation));
    } finally {
      await database.close();
    }
  });
}

function explanationText({ hierarchyId, facts, ring, withheld, packages }: OfferExplanation): string {
  const lines = [
    `${hierarchyId}, ring ${ring}, on its facts ${facts.epoch}.${facts.sequence} of ${new Date(facts.acceptedAt).toISOString()}:`,
    ...(withheld === undefined ? [] : ['', plain(withheld)]),
  ];
  for (const { product, name, version, guid, offered, verdict, reasons } of packages) {
    lines.push('', `${offered ? 'offered' : 'not offered'}: ${product} ${version}, ${plain(name)} (${guid})`);
    for (const { sentence, change } of reasons) lines.push(`  ${plain(sentence)}`, `    ${plain(change)}`);
    if (verdict === 'available') lines.push('  Nothing stands against it.');
  }
  return lines.join('\n');
}
